/** One person on both platforms: her keys, her allowance and her usage become one. */

import type { AnnOnDiscord } from './discord-acts.ts';
import type { Screen } from './screen.ts';
import type { AnnOnTelegram } from './telegram-acts.ts';

export async function linkAct(
  screen: Screen,
  telegram: AnnOnTelegram,
  discord: AnnOnDiscord,
): Promise<void> {
  screen.title('8. Ann links her two accounts');
  telegram.chat.says(telegram.ann, '/link');
  const { text } = await telegram.chat.hears(/Show it to nobody/);
  const code = /\/link ([A-Z0-9-]{9})/.exec(text)?.[1];
  if (code === undefined) throw new Error('there is no code in what /link says');
  discord.chat.runs(discord.ann, 'link', { code });
  const question = await discord.chat.hears(/Shall I join/);
  discord.chat.presses(discord.ann, question, 'Join Discord and Telegram');
  await discord.chat.hears(/Joined with your account/);
  await telegram.chat.hears(/was joined with one on Discord/);

  screen.title('9. From now on /usage is one, on either side');
  telegram.chat.says(telegram.ann, '/usage');
  await telegram.chat.hears(/own key: 2 answers/);
}
