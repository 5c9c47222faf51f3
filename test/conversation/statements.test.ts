/** What a turn asks the database from its claim to its end: each of these is a round trip. */

import type { Chat, User } from 'grammy/types';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { botSays, madeKey } from '../support/people.ts';
import { listenToStatements, type Statements } from '../support/statements.ts';

/** What every process asks again and again, turn or no turn. */
const BY_THE_CLOCK = [
  /^select distinct user_id from turns/,
  /set lease_until = now\(\) \+ .* from \(values/,
];
const CLAIM = /set status = 'running'/;
const END = /finished_at = now\(\), lease_until = null/;

let database: TestDatabase;
let statements: Statements;
let world: World;
beforeAll(async () => {
  database = await createTestDatabase();
  statements = await listenToStatements(database.url.reveal(), 'latchkey');
  world = await createWorld({ database, env: { DATABASE_URL: statements.url } });
  world.openai.script((question) => `Answer to: ${question}`);
  await world.start();
});
afterAll(async () => {
  await world.close();
  await statements.close();
});

/** The statements of one plain turn of somebody who is known, with a conversation behind them. */
async function turnOf(user: User, chat: Chat, word: string): Promise<readonly string[]> {
  const begun = statements.heard.length;
  world.telegram.say(chat, user, word);
  await botSays(world, chat, new RegExp(`Answer to:.*${word}`, 's'));
  const heard = await world.telegram.waitFor(() => {
    const run = statements.heard.slice(begun);
    return run.some((statement) => END.test(statement)) ? run : undefined;
  });
  const own = heard.filter((statement) => !BY_THE_CLOCK.some((clock) => clock.test(statement)));
  return own.slice(
    own.findIndex((statement) => CLAIM.test(statement)),
    own.findIndex((statement) => END.test(statement)) + 1,
  );
}

async function somebody() {
  const user = world.telegram.addUser({ first_name: 'Ann' });
  const chat = world.telegram.privateChat(user);
  return { user, chat, turn: (word: string) => turnOf(user, chat, word) };
}

test('a turn on the house takes 8 statements', async () => {
  const { turn } = await somebody();
  await turn('first');
  await turn('second');
  expect(await turn('third')).toHaveLength(8);
});

test('a turn on a key of the user’s own takes 9 statements', async () => {
  const { user, chat, turn } = await somebody();
  world.telegram.say(chat, user, `/setkey ${world.openai.keys.add('valid', madeKey())}`);
  await botSays(world, chat, /Saved/);
  await turn('first');
  await turn('second');
  expect(await turn('third')).toHaveLength(9);
});
