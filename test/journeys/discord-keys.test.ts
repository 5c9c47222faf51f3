/** How people on Discord bring their keys, and what becomes of one that was pasted. */

import { PermissionFlagsBits } from 'discord-api-types/v10';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { usualBotPermissions } from '../fakes/discord/permission-sets.ts';
import { createDiscordWorld, type DiscordWorld } from '../support/discord-world.ts';
import { asked, loggedErrors, madeKey } from '../support/people.ts';

let world: DiscordWorld;
beforeAll(async () => {
  world = await createDiscordWorld();
});
afterAll(() => world.close());

/** Neither kept, nor used, nor logged, nor said. */
async function nowhere(key: string): Promise<void> {
  expect(JSON.stringify(world.openai.requests)).not.toContain(key);
  expect(world.logged.join('\n')).not.toContain(key);
  expect(JSON.stringify(world.discord.calls)).not.toContain(key);
  const rows = await world.database.db.execute(sql`select * from pasted_keys`);
  expect(rows).toEqual([]);
}

test('a newcomer is greeted, brings a key by the form, and is answered on it', async () => {
  const { discord } = world;
  const ann = world.person('ann');
  const dm = discord.dm(ann);
  const start = ann.slash('start', {}, dm);
  const greeting = await start.answered(({ content }) => /I am \*\*Latchkey/.test(content));
  expect(greeting.content).not.toMatch(/I delete/);
  const pressed = ann.presses(greeting, 'Use my own key');
  await pressed.opened();
  const key = madeKey();
  world.openai.keys.add('valid', key);
  const form = ann.submits(pressed, { key });
  const saved = await form.answered(({ content }) => /Saved: your OpenAI key/.test(content));
  expect(saved.ephemeral).toBe(true);
  expect(saved.content).not.toMatch(/delete/);
  ann.says(dm, 'what is quince?');
  await world.sees(ann, dm, /Answer to:.*quince/s);
  expect(asked(world, 'quince')[0]?.headers.authorization).toBe(`Bearer ${key}`);
  expect(JSON.stringify(discord.calls)).not.toContain(key);
  expect(world.logged.join('\n')).not.toContain(key);
});

test('a form with rubbish, or with a key that is refused, is told so and keeps nothing', async () => {
  const { discord } = world;
  const ann = world.person('ann');
  for (const [key, told] of [
    ['rubbish', /don’t recognise this/],
    [madeKey(), /does not accept this key/],
  ] as const) {
    const opening = ann.slash('setkey', {}, discord.dm(ann));
    await opening.opened();
    const form = ann.submits(opening, { key });
    await form.answered(({ content }) => told.test(content));
  }
});

test('/setkey in a server leads to the direct chat, for the person alone', async () => {
  const { discord } = world;
  const ann = world.person('ann');
  const channel = world.server([ann]);
  const opening = ann.slash('setkey', {}, channel);
  const answer = await opening.answered();
  expect(answer.ephemeral).toBe(true);
  const [button] = answer.buttons;
  ann.presses(answer, button?.customId ?? '');
  const led = await world.sees(ann, discord.dm(ann), /through a form only/);
  await ann.presses(led, 'Enter a key safely').opened();
});

describe('a key that is pasted', () => {
  test('into the direct chat is never used, and its owner asked to delete and rotate it', async () => {
    const { discord } = world;
    const ann = world.person('ann');
    const dm = discord.dm(ann);
    const key = madeKey();
    world.openai.keys.add('valid', key);
    ann.says(dm, `use ${key} please`);
    const told = await world.sees(ann, dm, /delete the message yourself, revoke the key/);
    await nowhere(key);
    await ann.presses(told, 'Enter a key safely').opened();
  });

  test('into a channel is deleted, and only its owner learns of it', async () => {
    const { discord } = world;
    const [ann, bob] = [world.person('ann'), world.person('bob')];
    const channel = world.server([ann, bob], {
      botPermissions: usualBotPermissions | PermissionFlagsBits.ManageMessages,
    });
    const key = madeKey();
    const message = ann.says(channel, `${discord.botMention} is ${key} good?`);
    await discord.waitFor(() => discord.message(message.id) === undefined);
    const line = await world.sees(bob, channel, /for you alone/);
    expect(line.content).not.toMatch(/key/i);
    const details = ann.presses(line, 'Details');
    const told = await details.answered(({ content }) => /held an API key/.test(content));
    expect(told.ephemeral).toBe(true);
    await nowhere(key);
  });
});

test('where the bot may not delete it, the owner alone is told to', async () => {
  const { discord } = world;
  const [ann, bob] = [world.person('ann'), world.person('bob')];
  const channel = world.server([ann, bob]);
  const key = madeKey();
  ann.says(channel, `${discord.botMention} is ${key} good?`);
  const line = await world.sees(bob, channel, /for you alone/);
  expect(line.content).not.toMatch(/key/i);
  const details = ann.presses(line, 'Details');
  await details.answered(({ content }) => /could not delete it\. Delete it now/.test(content));
  await nowhere(key);
});

test('/model offers the models of the key while it is typed, and takes the chosen one', async () => {
  const { discord } = world;
  const ann = world.person('ann');
  await world.bringsKey(ann);
  const dm = discord.dm(ann);
  const typing = ann.autocompletes('model', 'model', 'gpt-5.4-m', dm);
  const choices = await discord.waitFor(() => typing.choices);
  expect(choices).toEqual([
    { name: expect.stringMatching(/^gpt-5\.4-mini · \$/), value: 'gpt-5.4-mini' },
  ]);
  const chosen = ann.slash('model', { model: 'gpt-5.4-mini' }, dm);
  await chosen.answered(({ content }) => /From now on: `gpt-5\.4-mini`/.test(content));
});

test('/limit and /delkey take what Discord lets people choose', async () => {
  const ann = world.person('ann');
  const dm = world.discord.dm(ann);
  await world.bringsKey(ann);
  const limiting = ann.slash('limit', { period: 'month', amount: '2.50' }, dm);
  await limiting.answered(({ content }) => /at most \$2\.50 a month/.test(content));
  const deleting = ann.slash('delkey', { provider: 'openai' }, dm);
  const sure = await deleting.answered(({ buttons }) => buttons.length > 0);
  expect(sure.content).toContain('OpenAI');
  const others = ann.slash('delkey', { provider: 'anthropic' }, dm);
  await others.answered(({ content, buttons }) => content !== '' && buttons.length === 0);
});

test('none of this was an error', () => {
  expect([...loggedErrors(world), ...world.wrongBodies()]).toEqual([]);
});
