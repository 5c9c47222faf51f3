/** What is known of a message's sender and chat, by a statement that is built once. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { createIdentities } from '../../src/chat/identities.ts';
import type { ChatAddress } from '../../src/chat/message.ts';
import { connectDatabase } from '../../src/db/client.ts';
import { createKeyPrompts } from '../../src/keys/key-prompts.ts';
import { Secret } from '../../src/secret.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { listenToStatements } from '../support/statements.ts';

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

test('who writes at the same moment is looked up together, each as alone', async () => {
  const statements = await listenToStatements(database.url.reveal(), 'latchkey');
  const connection = await connectDatabase({
    url: new Secret(statements.url),
    applicationName: 'latchkey',
  });
  try {
    const identities = createIdentities({ db: connection.db });
    const everybody = Array.from({ length: 150 }, (_, n) => `5${n}`);
    const chatOf = (chatId: string): ChatAddress => ({
      platform: 'telegram',
      chatId,
      kind: 'direct',
    });
    const userIds: number[] = [];
    for (const who of everybody) {
      userIds.push(await identities.userOf('telegram', who));
      // Of every other one, the chat is not known yet.
      if (Number(who) % 2 === 0) await identities.chatOf(chatOf(who));
    }

    const begun = statements.heard.length;
    // Everybody twice, as when an update is delivered twice at once.
    const asked = [...everybody, ...everybody];
    const known = await Promise.all(
      asked.map((platformUserId) => identities.know({ platformUserId }, chatOf(platformUserId))),
    );
    const lookUps = statements.heard.slice(begun).filter((one) => /"isKeyAwaited"/.test(one));
    expect(lookUps).toHaveLength(3);
    expect(known.map(({ person }) => person.userId)).toEqual([...userIds, ...userIds]);
    expect(known.map(({ chat }) => chat !== undefined)).toEqual(
      asked.map((who) => Number(who) % 2 === 0),
    );
  } finally {
    await connection.close();
    await statements.close();
  }
});

test('an address that PostgreSQL does not take keeps nobody else out', async () => {
  const identities = createIdentities({ db: database.db });
  const ann = await identities.userOf('telegram', '4');
  const know = (platformUserId: string) =>
    identities.know({ platformUserId }, { platform: 'telegram', chatId: '4', kind: 'direct' });

  const [bad, good, fresh] = await Promise.allSettled([know('\u0000'), know('4'), know('41')]);
  expect(bad).toMatchObject({ status: 'rejected', reason: { name: 'DatabaseError' } });
  expect(good).toMatchObject({ status: 'fulfilled', value: { person: { userId: ann } } });
  expect(fresh.status).toBe('fulfilled');
});
