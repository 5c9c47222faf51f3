/** What is known of a message's sender and chat, by a statement that is built once. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { createIdentities } from '../../src/chat/identities.ts';
import type { ChatAddress } from '../../src/chat/message.ts';
import { connectDatabase } from '../../src/db/client.ts';
import { sql } from '../../src/db/drizzle.ts';
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

test('among many who are known, one is found without reading all of them', async () => {
  const { db } = database;
  await db.execute(sql`
    with made as (insert into users select from generate_series(1, 20000) returning id),
      known as (insert into identities (platform, platform_user_id, user_id)
                select 'telegram', 'crowd' || id, id from made)
    insert into chats (platform, platform_chat_id, thread_id, kind, whole_id)
    select 'telegram', 'crowd' || id, '', 'direct', '' from made`);
  await db.execute(sql`analyze`);
  const [somebody] = await db.execute<{ id: string }>(sql`
    select platform_user_id as id from identities where platform_user_id like 'crowd%' limit 1`);
  const platformUserId = somebody?.id ?? '';

  await db.transaction(async (tx) => {
    const rowsRead = async () => {
      const [read] = await tx.execute<{ rows: number }>(sql`
        select sum(seq_tup_read)::int as rows from pg_stat_xact_user_tables
        where relname in ('identities', 'chats')`);
      return read?.rows ?? Number.NaN;
    };
    // The plan for any values, which is what a statement comes to that is often run.
    await tx.execute(sql`set local plan_cache_mode = force_generic_plan`);
    const before = await rowsRead();
    const chat: ChatAddress = { platform: 'telegram', chatId: platformUserId, kind: 'direct' };
    const known = await createIdentities({ db: tx }).know({ platformUserId }, chat);
    expect(known.chat).toBeDefined();
    expect((await rowsRead()) - before).toBe(0);
  });
});
