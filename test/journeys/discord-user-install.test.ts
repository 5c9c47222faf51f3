/** People who installed the app for themselves, where no server has the bot. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDiscordWorld, type DiscordWorld } from '../support/discord-world.ts';
import { asked, loggedErrors } from '../support/people.ts';

let world: DiscordWorld;
beforeAll(async () => {
  world = await createDiscordWorld({ env: { FREE_DAILY_MESSAGES: '2' } });
});
afterAll(() => world.close());

function installer() {
  const ann = world.person('ann');
  ann.installs();
  return ann;
}

test('a private chat of several people: asked and answered for all, its limits for one alone', async () => {
  const { discord } = world;
  const [ann, bob] = [installer(), world.person('bob')];
  const group = discord.groupDm([ann, bob]);
  for (const word of ['quince', 'medlar']) {
    const asking = ann.slash('ask', { prompt: `tell me of ${word}` }, group);
    const answer = await asking.answered(({ content }) => content.includes(word));
    expect(answer.ephemeral).toBe(false);
  }
  const third = ann.slash('ask', { prompt: 'tell me of loquat' }, group);
  const told = await third.answered(({ content }) => /free messages for today/.test(content));
  expect(told.ephemeral).toBe(true);
  expect(asked(world, 'loquat')).toHaveLength(0);
  const code = bob.says(group, 'const salak = 1');
  expect(() => bob.slash('ask', { prompt: 'and I?' }, group)).toThrow(/not offered/);
  const keys = ann.slash('setkey', {}, group);
  expect((await keys.answered()).ephemeral).toBe(true);
  await ann.messageCommand('Explain this code', code).answered(({ thinking }) => !thinking);
});

test('a server that forbids outside apps shows the answer to its asker alone', async () => {
  const { discord } = world;
  const [ann, bob] = [installer(), world.person('bob')];
  const strict = { name: 'Strict', members: [ann, bob], hasBot: false, externalApps: false };
  const channel = discord.addChannel(discord.addGuild(strict), { name: 'general' });
  const asking = ann.slash('ask', { prompt: 'tell me of feijoa' }, channel);
  const answer = await asking.answered(({ content }) => /feijoa/.test(content));
  expect(answer.ephemeral).toBe(true);
  expect(world.said(channel, bob)).toEqual([]);
});

test('a long answer comes whole, in the few messages that Discord takes there', async () => {
  const { discord } = world;
  const ann = installer();
  const group = discord.groupDm([ann, world.person('bob')]);
  world.openai.script([{ text: `${'all about pomelo and more. '.repeat(900)}END`, atOnce: true }]);
  const asking = ann.slash('ask', { prompt: 'tell me of pomelo' }, group);
  const files = await discord.waitFor(() => {
    const all = asking.messages.flatMap((message) => message.files);
    return all.length > 0 ? all : undefined;
  });
  expect(asking.followUps.length).toBeLessThanOrEqual(5);
  expect(Buffer.from(files[0]?.bytes ?? []).toString()).toMatch(/^all about pomelo.*END/s);
});

test('none of this was an error', () => {
  expect([...loggedErrors(world), ...world.wrongBodies()]).toEqual([]);
});
