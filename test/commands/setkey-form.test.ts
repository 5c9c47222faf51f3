/** Keys on a platform where bots delete no messages: through a form alone. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { loggedErrors, madeKey } from '../support/people.ts';
import { direct } from '../support/scripted-platform.ts';
import { createScriptedWorld, type ScriptedWorld } from '../support/scripted-world.ts';

let world: ScriptedWorld;
beforeAll(async () => {
  world = await createScriptedWorld();
});
afterAll(() => world.close());

const form = (argument: string) => ({
  command: { name: 'setkey', argument },
  leavesNoMessage: true as const,
});
const typed = (argument: string) => ({ command: { name: 'setkey', argument } });

async function kept(): Promise<number> {
  const [row] = await world.database.db.execute<{ n: number }>(sql`
    select (select count(*) from api_keys)::int + (select count(*) from pasted_keys)::int
         + (select count(*) from key_prompts)::int as n`);
  return row?.n ?? -1;
}

test('a key from a form is taken, and nobody is told to delete a message', async () => {
  const { chat } = world;
  await world.withKey('ann');
  const bad = madeKey();
  await chat.says('ann', direct('ann'), '', form(bad));
  await chat.reads('ann', direct('ann'), /does not accept this key/);
  await chat.says('ann', direct('ann'), '', form('openai rubbish'));
  await chat.reads('ann', direct('ann'), /does not look like a key/);
  await chat.says('ann', direct('ann'), '', form('rubbish'));
  await chat.reads('ann', direct('ann'), /don’t recognise this/);
  expect(chat.deletions).toEqual([]);
  for (const { markdown } of chat.seenBy('ann', direct('ann'))) {
    expect(markdown).not.toMatch(/delete|again, or press Cancel/i);
  }
});

test.each([
  ['pasted', (key: string) => ({ text: `here: ${key}` })],
  ['typed as a command', (key: string) => ({ text: '', ...typed(key) })],
  ['typed with its provider', (key: string) => ({ text: '', ...typed(`openai ${key}`) })],
  [
    'typed behind another command',
    (key: string) => ({ text: '', command: { name: 'ask', argument: key } }),
  ],
  [
    'plain, with its provider',
    (_key: string) => ({ text: '', ...typed(`mistral ${'a1B2'.repeat(8)}`) }),
  ],
])('a key that is %s is never used, kept or sent on', async (name, message) => {
  const { chat, openai } = world;
  const who = `pasting ${name}`;
  const before = await kept();
  const key = madeKey();
  openai.keys.add('valid', key);
  const { text, ...more } = message(key);
  await chat.says(who, direct(who), text, more);
  const told = await chat.reads(who, direct(who), /delete the message yourself, revoke the key/);
  expect(told.buttons).toEqual([{ label: 'Enter a key safely', action: 'run:setkey' }]);
  expect(await kept()).toBe(before);
  expect(JSON.stringify(openai.requests)).not.toContain(key);
  expect(world.logged.join('\n')).not.toContain(key);
});

test('a prompt for the next message is never opened; one that is open takes no key', async () => {
  const { chat, openai, database } = world;
  const who = 'bob';
  const before = await kept();
  for (const argument of ['', 'openai']) {
    await chat.says(who, direct(who), '', typed(argument));
    await chat.reads(who, direct(who), /through a form only/);
  }
  expect(await kept()).toBe(before);
  await database.db.execute(sql`
    insert into key_prompts values ('discord', ${who}, 'openai', now() + interval '5 minutes')`);
  const key = madeKey();
  openai.keys.add('valid', key);
  await chat.says(who, direct(who), key);
  await chat.reads(who, direct(who), /delete the message yourself/);
  expect(await kept()).toBe(before);
  expect(JSON.stringify(openai.requests)).not.toContain(key);
});

test('the greeting promises no deletion', async () => {
  const { chat } = world;
  await chat.says('cleo', direct('cleo'), '', { command: { name: 'start', argument: '' } });
  const { markdown } = await chat.reads('cleo', direct('cleo'), /Latchkey/);
  expect(markdown).not.toMatch(/I delete/);
  expect(loggedErrors(world)).toEqual([]);
});
