/** What is known of a message's sender and chat, by a statement that is built once. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { createIdentities } from '../../src/chat/identities.ts';
import type { ChatAddress } from '../../src/chat/message.ts';
import { createKeyPrompts } from '../../src/keys/key-prompts.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

test('asked at once, everybody is known by their own account, chat, thread and prompt', async () => {
  const { db } = database;
  let clock = new Date();
  const identities = createIdentities({ db, now: () => clock });
  const prompts = createKeyPrompts({ db, now: () => clock });
  const direct = (chatId: string): ChatAddress => ({
    platform: 'telegram',
    chatId,
    kind: 'direct',
  });
  const topic = (threadId: string): ChatAddress => ({
    platform: 'telegram',
    chatId: '-100',
    threadId,
    kind: 'group',
  });
  const [ann, ben] = ['1', '2'];
  const asked = [
    [ann, direct(ann)],
    [ben, direct(ben)],
    [ann, topic('7')],
    [ben, topic('8')],
  ] as const;
  const expected = [];
  for (const [who, chat] of asked) {
    const person = await identities.personOf('telegram', who);
    expected.push({ person, chat: { id: (await identities.chatOf(chat)).id } });
  }
  await prompts.openPrompt({ platform: 'telegram', platformUserId: ben }, 'openai');
  const know = () =>
    Promise.all(asked.map(([platformUserId, chat]) => identities.know({ platformUserId }, chat)));

  const known = await know();
  expect(known).toMatchObject(expected);
  expect(known.map((one) => one.isKeyAwaited)).toEqual([false, true, false, false]);
  // The clock is read for each message, not when the statement was built.
  clock = new Date(clock.getTime() + 600_000);
  expect((await know()).map((one) => one.isKeyAwaited)).toEqual([false, false, false, false]);
});

test('a process whose clock is some seconds behind knows of a prompt that another opened', async () => {
  const { db } = database;
  const now = new Date();
  const behind = () => new Date(now.getTime() - 5_000);
  const identities = createIdentities({ db, now: behind });
  await identities.personOf('telegram', '3');
  const who = { platform: 'telegram', platformUserId: '3' } as const;
  await createKeyPrompts({ db, now: () => now }).openPrompt(who, 'openai');
  const chat: ChatAddress = { platform: 'telegram', chatId: '3', kind: 'direct' };
  expect(await identities.know({ platformUserId: '3' }, chat)).toMatchObject({
    isKeyAwaited: true,
  });
  expect(await createKeyPrompts({ db, now: behind }).activePrompt(who)).toEqual({
    provider: 'openai',
  });
});
