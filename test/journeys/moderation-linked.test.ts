/** A suspension and the accounts of one person: on Telegram and Discord. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FakeUser } from '../fakes/discord.ts';
import { createDiscordWorld, type DiscordWorld } from '../support/discord-world.ts';
import { asked, botMessages, botSays, textOf } from '../support/people.ts';

const BAD = 'zorbleflag';

let world: DiscordWorld;
beforeAll(async () => {
  world = await createDiscordWorld({ env: { MODERATION: 'on' } });
  world.openai.moderate((input) => ({ scores: input.includes(BAD) ? { hate: 0.97 } : {} }));
});
afterAll(() => world.close());

async function runs(who: FakeUser, name: string, options: Readonly<Record<string, string>> = {}) {
  const given = who.slash(name, options, world.discord.dm(who));
  return given.answered(({ thinking }) => !thinking);
}

test('a suspension follows the person to every linked account, and stays when they are separated', async () => {
  const user = world.telegram.addUser({ first_name: 'Ann' });
  const chat = world.telegram.privateChat(user);
  const there = world.person('ann');
  const dm = world.discord.dm(there);
  const pausedTimes = (times: number) =>
    world.telegram.waitFor(
      () =>
        botMessages(world, chat).filter((m) => /until .*you are paused/s.test(textOf(m))).length ===
          times || undefined,
    );
  for (const word of ['one', 'two', 'three']) there.says(dm, `${BAD} ${word}`);
  await world.sees(there, dm, /did not pass this on.*until .*you are paused/s);

  world.telegram.say(chat, user, 'not linked yet');
  await botSays(world, chat, /Answer to: not linked yet/);
  world.telegram.say(chat, user, '/link');
  const shown = textOf(await botSays(world, chat, /\/link [A-Z0-9-]{9}/));
  const [, code = ''] = /\/link ([A-Z0-9]{4}-[A-Z0-9]{4})/.exec(shown) ?? [];
  there.presses(await runs(there, 'link', { code }), 'Join Discord and Telegram');
  await botSays(world, chat, /joined with one on Discord/);
  world.telegram.say(chat, user, 'from the other account');
  await pausedTimes(1);

  const separate = await runs(there, 'unlink');
  there.presses(separate, separate.buttons[0]?.label ?? '');
  await botSays(world, chat, /separated/i);
  world.telegram.say(chat, user, 'now on its own');
  await pausedTimes(2);
  expect([...asked(world, 'other account'), ...asked(world, 'on its own')]).toEqual([]);
  expect(asked(world, BAD)).toEqual([]);
}, 30_000);

test('on Discord a flagged answer is taken back from everybody’s sight', async () => {
  const ann = world.person('ann');
  const ben = world.person('ben');
  const channel = world.server([ann, ben]);
  const words = Array.from({ length: 500 }, (_, i) => (i === 450 ? BAD : `word${i}`)).join(' ');
  world.openai.script([{ text: words, chunkDelayMs: 6 }]);
  ann.says(channel, `<@${world.discord.botId}> tell me a story`);
  await world.sees(ben, channel, /word1/);
  await world.sees(ben, channel, /took this answer back/);
  const seen = world.said(channel, ben).map(({ content }) => content);
  expect(seen.join()).not.toContain('word1');
  expect(seen.join()).not.toMatch(/warning/);
  expect(world.wrongBodies()).toEqual([]);
}, 30_000);
