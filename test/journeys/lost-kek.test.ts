/** The operator's key ring has lost a key in use: the rest goes on, and nothing is destroyed. */

import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { User } from 'grammy/types';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { App } from '../../src/app.ts';
import { sql } from '../../src/db/drizzle.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { asked, botSays, loggedErrors, madeKey } from '../support/people.ts';

let world: World;
let app: App;
let alice: User;
let bob: User;
let operator: User;

beforeEach(async () => {
  world = await createWorld();
  [alice, bob, operator] = ['Alice', 'Bob', 'Olga'].map((first_name) =>
    world.telegram.addUser({ first_name }),
  ) as [User, User, User];
  await start();
});
afterEach(() => world.close());

async function start(): Promise<void> {
  world.telegram.privateChat(operator);
  app = await world.start({ OPERATOR_IDS: `telegram:${operator.id}` });
}
const chatOf = (user: User) => world.telegram.privateChat(user);
const say = (user: User, text: string) => world.telegram.say(chatOf(user), user, text);
const says = (user: User, what: RegExp) => botSays(world, chatOf(user), what);
const ringFile = () => join(world.env.DATA_DIR ?? '', 'key-ring.json');

interface Ring {
  readonly active: string;
  readonly keys: Readonly<Record<string, string>>;
}
const readRing = async (): Promise<Ring> => JSON.parse(await readFile(ringFile(), 'utf8'));

async function ringTrail(): Promise<readonly unknown[]> {
  const rows = await world.database.db.execute(
    sql`select action from audit where action ~ '^(ring|data-key)' order by seq`,
  );
  return rows.map(({ action }) => action);
}

/** As a wrong copy of the ring would be: its KEK is another one. */
async function loseKek(): Promise<Ring> {
  const ring = await readRing();
  const other = { 'k-other': randomBytes(32).toString('base64url') };
  await app.stop();
  await writeFile(ringFile(), JSON.stringify({ ...ring, active: 'k-other', keys: other }));
  return ring;
}

test('affected users are asked for their keys again, others notice nothing, and all of it comes back', async () => {
  const first = world.openai.keys.add('valid', madeKey());
  say(alice, `/setkey ${first}`);
  await says(alice, /Saved/);
  world.openai.script([{ text: 'Noted, the word is marzipan.' }]);
  say(alice, 'Remember marzipan');
  await says(alice, /Noted/);

  const lost = await loseKek();
  await start();
  await says(operator, /has lost the key .* under which 1 user has stored/);
  await app.stop();
  await start();
  world.openai.script([{ text: 'Hello Bob.' }]);
  say(bob, 'Hello');
  await says(bob, /Hello Bob/);

  say(alice, 'What was the word?');
  const notice = await says(alice, /I can’t open what you stored here/);
  world.telegram.press(notice, 'Go on without it', alice);
  await says(alice, /we begin afresh/);
  say(alice, 'Still there?');
  await says(alice, /I have your key, but can’t open it any more/);
  expect(asked(world, 'Still there?')).toEqual([]);

  const second = world.openai.keys.add('valid', madeKey());
  say(alice, `/setkey ${second}`);
  await says(alice, /Replaced/);
  world.openai.script([{ text: 'Yes, afresh.' }]);
  say(alice, 'And now?');
  await says(alice, /Yes, afresh/);
  expect(JSON.stringify(asked(world, 'And now?'))).not.toContain('marzipan');

  // The operator finds the right copy.
  await app.stop();
  const { active, keys } = await readRing();
  await writeFile(ringFile(), JSON.stringify({ ...lost, active, keys: { ...lost.keys, ...keys } }));
  await start();
  world.openai.script([{ text: 'It was marzipan.' }]);
  say(alice, 'The word, please');
  await says(alice, /It was marzipan/);
  expect(JSON.stringify(asked(world, 'The word, please')[0]?.body)).toMatch(/Remember marzipan/);
  expect(loggedErrors(world).filter((line) => !/key-ring: /.test(line))).toEqual([]);
  // The trail tells each change once, however often a process starts in between.
  await app.stop();
  await start();
  expect(await ringTrail()).toEqual([
    'ring.lost',
    'data-key.renewed',
    'ring.returned',
    'data-key.returned',
  ]);
  say(alice, '/keys');
  world.telegram.press(await says(alice, /Your keys/), 'History', alice);
  await says(alice, /can be opened again/);
}, 60_000);

test('giving the key again is enough to go on', async () => {
  say(alice, `/setkey ${world.openai.keys.add('valid', madeKey())}`);
  await says(alice, /Saved/);
  await loseKek();
  await start();
  say(alice, `/setkey ${world.openai.keys.add('valid', madeKey())}`);
  await says(alice, /Replaced/);
  world.openai.script([{ text: 'Here I am.' }]);
  say(alice, 'Hello?');
  await says(alice, /Here I am/);
  say(alice, '/keys');
  world.telegram.press(await says(alice, /Your keys/), 'History', alice);
  await says(alice, /begun afresh[\s\S]*added/);
}, 60_000);

test('a turn that waits when the key is lost ends with a sentence, and keeps its words', async () => {
  world.openai.script([{ text: 'never', delayMs: 60_000 }]);
  say(alice, 'A question that waits');
  await world.telegram.waitFor(() => asked(world, 'A question that waits').length > 0 || undefined);
  const sealed = () => world.database.db.execute(sql`select input from turns`);
  const before = await sealed();
  await loseKek();
  await world.database.db.execute(
    sql`update turns set status = 'queued', attempt = 0, finished_at = null, answered_at = null, outcome = null, answer = null, called_at = null, cancel_reason = null`,
  );
  await world.database.db.execute(sql`update mailbox set open = 1`);
  await start();
  await says(alice, /I can’t open what you stored here/);
  expect(await sealed()).toEqual(before);
}, 60_000);
