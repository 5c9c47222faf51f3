/** What must hold on every platform. */

import { describe } from 'vitest';
import { answerFacts } from './platforms/answers.ts';
import { discordChannel, discordCommand, discordDirect } from './platforms/discord.ts';
import { failureFacts } from './platforms/failures.ts';
import { noticeFacts } from './platforms/notices.ts';
import { receivingFacts } from './platforms/receiving.ts';
import { durableTurns, stageOf } from './platforms/stage.ts';
import { telegramDirect, telegramGroup } from './platforms/telegram.ts';
import { terminalPipe, terminalWindow } from './platforms/terminal.ts';

const newTurn = durableTurns();

const all = [
  telegramDirect,
  telegramGroup,
  discordDirect,
  discordChannel,
  terminalWindow,
  terminalPipe,
];

describe.each(all)('$name', (platform) => {
  const stage = stageOf(platform, newTurn);
  receivingFacts(stage);
  noticeFacts(stage);
  answerFacts(stage);
  failureFacts(stage);
});

// Where commands are something else than messages, their answers go another way.
describe.each([discordCommand])('$name', (platform) => {
  const stage = stageOf(platform, newTurn);
  answerFacts(stage);
  failureFacts(stage);
});
