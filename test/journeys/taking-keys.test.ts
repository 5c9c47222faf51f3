/** The message that brings a key: deleting it fails, it comes twice, the process dies in between. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Chat, User } from 'grammy/types';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { botMessages, botSays, madeKey, takenIn, textOf } from '../support/people.ts';
import { startProcess } from '../support/process.ts';
import { waitFor } from '../support/wait-for.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());
afterEach(() => world.telegram.clearFaults());

function someone(): { readonly user: User; readonly chat: Chat } {
  const user = world.telegram.addUser({ first_name: 'Somebody' });
  return { user, chat: world.telegram.privateChat(user) };
}

const rowsOf = async (user: User) => {
  const rows = await world.database.db.execute(
    sql`select id from api_keys where user_id = (select user_id from identities where platform_user_id = ${String(user.id)})`,
  );
  return rows.length;
};
const checksOf = (key: string) =>
  world.openai.requests.filter(
    (r) => r.headers.authorization === `Bearer ${key}` && r.path.endsWith('/models'),
  );

describe('in one process', () => {
  let stop: () => Promise<void>;
  beforeAll(async () => {
    const app = await world.start();
    stop = () => app.stop();
  });
  afterAll(() => stop());

  test.each([
    ['400', { status: 400, description: "Bad Request: message can't be deleted" }],
    ['403', { status: 403, description: 'Forbidden: bot was kicked' }],
    ['500', { status: 500 }],
    ['a dropped connection', { dropBefore: true }],
  ] as const)(
    'deleting fails with %s: the key is kept, and its owner is told to delete the message',
    async (_, fault) => {
      const { user, chat } = someone();
      world.telegram.fail({
        method: 'deleteMessage',
        when: ({ chat_id }) => String(chat_id) === String(chat.id),
        ...fault,
      });
      const key = world.openai.keys.add('valid', madeKey());
      world.telegram.say(chat, user, `/setkey ${key}`);
      const saved = await botSays(world, chat, /Saved: your/, { timeoutMs: 20_000 });
      expect(textOf(saved)).toMatch(/could not delete the message.*delete it yourself/is);
      expect(await rowsOf(user)).toBe(1);
    },
    25_000,
  );

  test('a message older than 48 hours can’t be deleted, and its owner is told', async () => {
    const { user, chat } = someone();
    const key = world.openai.keys.add('valid', madeKey());
    world.telegram.say(chat, user, `/setkey ${key}`, {
      date: Math.floor(Date.now() / 1000) - 49 * 3_600,
    });
    const saved = await botSays(world, chat, /Saved: your/);
    expect(textOf(saved)).toMatch(/could not delete the message/);
  });

  test('a key that comes twice is checked once and kept once', async () => {
    const { user, chat } = someone();
    const key = world.openai.keys.add('valid', madeKey());
    const said = world.telegram.say(chat, user, `/setkey ${key}`);
    world.telegram.redeliver(said);
    await botSays(world, chat, /Saved: your/);
    world.telegram.redeliver(said);
    await takenIn(world);
    world.telegram.say(chat, user, '/keys');
    await botSays(world, chat, /Your keys/);
    expect(checksOf(key)).toHaveLength(1);
    expect(await rowsOf(user)).toBe(1);
    expect(botMessages(world, chat).filter((m) => /Saved|Replaced/.test(textOf(m)))).toHaveLength(
      1,
    );
  });

  test('a pasted key that comes twice is offered once', async () => {
    const { user, chat } = someone();
    const said = world.telegram.say(chat, user, `look ${madeKey()}`);
    world.telegram.redeliver(said);
    await botSays(world, chat, /Shall I use it/);
    world.telegram.redeliver(said);
    await takenIn(world);
    world.telegram.say(chat, user, '/keys');
    await botSays(world, chat, /no key here/);
    expect(botMessages(world, chat).filter((m) => /Shall I use it/.test(textOf(m)))).toHaveLength(
      1,
    );
  });
});

test('kill -9 between deleting the message and keeping the key: its owner is told after the restart', async () => {
  const { user, chat } = someone();
  let asked = 0;
  // A provider that takes the question and never answers.
  const silent = createServer(() => {
    asked += 1;
  }).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  onTestFinished(() => void silent.close().closeAllConnections());
  const { port } = silent.address() as AddressInfo;
  const env = { ...world.env, OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` };
  const first = await startProcess({ env });
  onTestFinished(() => first.kill());
  const key = madeKey();
  world.telegram.say(chat, user, `/setkey openai ${key}`);
  await waitFor(() => asked > 0, { timeoutMs: 10_000, what: 'that the provider is asked' });
  expect(world.telegram.messages(chat).some((m) => textOf(m).includes(key))).toBe(false);
  await first.kill();
  expect(first.output()).not.toContain(key.slice(-12));
  const second = await startProcess({ env });
  onTestFinished(() => second.kill());
  await botSays(world, chat, /I was restarted while I worked on your last command/, {
    timeoutMs: 20_000,
  });
  expect(await rowsOf(user)).toBe(0);
  expect(second.output()).not.toContain(key.slice(-12));
}, 60_000);
