/** What must hold on every platform. */

import { describe } from 'vitest';
import { answerFacts } from './platforms/answers.ts';
import { failureFacts } from './platforms/failures.ts';
import { noticeFacts } from './platforms/notices.ts';
import { receivingFacts } from './platforms/receiving.ts';
import { durableTurns, stageOf } from './platforms/stage.ts';
import { telegramDirect, telegramGroup } from './platforms/telegram.ts';
import { terminalPipe, terminalWindow } from './platforms/terminal.ts';

const newTurn = durableTurns();

describe.each([telegramDirect, telegramGroup, terminalWindow, terminalPipe])(
  '$name',
  (platform) => {
    const stage = stageOf(platform, newTurn);
    receivingFacts(stage);
    noticeFacts(stage);
    answerFacts(stage);
    failureFacts(stage);
  },
);
