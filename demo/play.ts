/** The play: what the people do, and what they wait for. What the bot says is its own. */

import { answering } from './answers.ts';
import { discordActs } from './discord-acts.ts';
import { linkAct } from './link-act.ts';
import type { Screen } from './screen.ts';
import type { Stage } from './stage.ts';
import { telegramActs } from './telegram-acts.ts';

export async function play(stage: Stage, screen: Screen): Promise<void> {
  stage.openai.script(answering);
  stage.anthropic.script(answering);
  const annOnTelegram = await telegramActs(stage, screen);
  const annOnDiscord = await discordActs(stage, screen);
  await linkAct(screen, annOnTelegram, annOnDiscord);
  screen.title(
    'That was the real bot; only Telegram, Discord, the models and the people were not.',
  );
}
