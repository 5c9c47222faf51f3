import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ChatAddress } from '../../src/chat/message.ts';
import { clearOldWords, startRetention } from '../../src/conversation/retention.ts';
import { eq, sql } from '../../src/db/drizzle.ts';
import { chats, deliveries, inbox, mailbox, turns } from '../../src/db/schema.ts';
import { usageSince } from '../../src/funding/usage.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createWorld } from '../support/latchkey.ts';
import { botSays } from '../support/people.ts';
import { waitFor } from '../support/wait-for.ts';
import { ask, converse, createParts, meet, type Parts } from '../users/somebody.ts';

const DAYS = 30;
const GROUP: ChatAddress = { platform: 'telegram', chatId: '-100779', kind: 'group' };

let database: TestDatabase;
let parts: Parts;
beforeEach(async () => {
  database = await createTestDatabase();
  parts = await createParts(database.db);
});
afterEach(() => database?.close());

/** Makes a turn, its deliveries and inbox rows so many days older. */
async function age(turnId: number, days: number): Promise<void> {
  const by = sql`${days}::int * interval '1 day'`;
  const { db } = database;
  await db
    .update(turns)
    .set({ finishedAt: sql`finished_at - ${by}`, createdAt: sql`created_at - ${by}` })
    .where(eq(turns.id, turnId));
  await db
    .update(inbox)
    .set({ receivedAt: sql`received_at - ${by}` })
    .where(eq(inbox.turnId, turnId));
}

const words = { question: 'q', answer: 'a' };

describe('words of an old turn', () => {
  test('go with all that says where they were said; what they cost stays', async () => {
    const ada = await meet(parts);
    const old = await converse(parts, ada, words, ada.direct, 1);
    const young = await converse(parts, ada, words, ada.direct, old);
    await age(old, DAYS + 1);
    await age(young, DAYS - 1);
    const since = new Date(Date.now() - 90 * 86_400_000);
    const usage = await usageSince(database.db, ada.userId, since);

    expect(await clearOldWords(database.db, DAYS)).toBe(1);
    const [cleared] = await database.db.select().from(turns).where(eq(turns.id, old));
    expect(cleared).toMatchObject({
      chatId: null,
      platformUserId: '',
      replyTo: '',
      rowKey: '',
      followsTurnId: null,
      costMicros: 300,
    });
    expect(cleared?.input).toHaveLength(0);
    expect(cleared?.answer).toHaveLength(0);
    expect(await usageSince(database.db, ada.userId, since)).toEqual(usage);
    const left = await database.db.select().from(deliveries);
    expect(left.map((row) => row.turnId)).toEqual([young]);
    expect((await database.db.select().from(inbox)).map((row) => row.turnId)).toEqual([young]);
    const [kept] = await database.db.select().from(turns).where(eq(turns.id, young));
    expect(kept?.input.length).toBeGreaterThan(20);
    expect(await clearOldWords(database.db, DAYS)).toBe(0);
  });

  test('go also where nobody could ever answer: the turn is cancelled, and the mailbox free', async () => {
    const ada = await meet(parts);
    const { turnId } = await ask(parts, ada, 'waits for a platform that is off');
    await age(turnId, DAYS + 1);
    await clearOldWords(database.db, DAYS);
    const [turn] = await database.db.select().from(turns).where(eq(turns.id, turnId));
    expect(turn).toMatchObject({ status: 'cancelled', chatId: null });
    expect(turn?.input).toHaveLength(0);
    const [line] = await database.db.select().from(mailbox);
    expect(line?.open).toBe(0);
  });

  test('recognise redelivery for two days, however short the history', async () => {
    const ada = await meet(parts);
    const turnId = await converse(parts, ada, words);
    await age(turnId, 1);
    await clearOldWords(database.db, 1);
    expect(await database.db.select().from(inbox)).toHaveLength(1);
    await database.db.update(inbox).set({ receivedAt: sql`now() - interval '49 hours'` });
    await clearOldWords(database.db, 1);
    expect(await database.db.select().from(inbox)).toHaveLength(0);
  });
});

test('a chat of which nothing is left goes; one with young words, or a young one, stays', async () => {
  const ada = await meet(parts);
  await age(await converse(parts, ada, words), DAYS + 1);
  await converse(parts, ada, words, GROUP);
  const thread = { ...GROUP, threadId: '5' };
  await parts.identities.chatOf(thread);
  await database.db
    .update(chats)
    .set({ createdAt: sql`now() - interval '1 year'` })
    .where(eq(chats.threadId, ''));
  await clearOldWords(database.db, DAYS);
  const left = await database.db.select().from(chats).orderBy(chats.id);
  expect(left.map((chat) => [chat.platformChatId, chat.threadId])).toEqual([
    [GROUP.chatId, ''],
    [GROUP.chatId, '5'],
  ]);
  // Whoever was in the chat that went is answered there as ever.
  await converse(parts, ada, words);
});

describe('50,000 old turns', () => {
  const ROWS = 50_000;
  const BATCH = 500;

  beforeEach(async () => {
    const ada = await meet(parts);
    const { id } = await parts.identities.chatOf(ada.direct);
    await database.db.execute(sql`
      insert into turns (user_id, chat_id, conversation, seq, status, sent_at, sent_order,
                         platform_user_id, reply_to, row_key, input, answer, created_at, finished_at)
      select ${ada.userId}::bigint, ${id}::bigint, 1, n, 'done', now(), n, 'u', n::text, n::text,
             ${randomBytes(200)}::bytea, ${randomBytes(400)}::bytea,
             now() - interval '40 days', now() - interval '40 days'
      from generate_series(1, ${ROWS}) n`);
    await database.db.execute(sql`analyze turns`);
  });

  const left = async () => {
    const [row] = await database.db.execute<{ n: number }>(
      sql`select count(*)::int as n from turns where octet_length(input) > 0`,
    );
    return row?.n;
  };

  test('are cleared in batches that hold no lock for long, beside somebody who writes', async () => {
    const batches: { rows: number; ms: number }[] = [];
    let done = false;
    let longestWaitMs = 0;
    const clearing = clearOldWords(database.db, DAYS, {
      batch: BATCH,
      onBatch: (rows, ms) => batches.push({ rows, ms }),
    }).finally(() => {
      done = true;
    });
    while (!done) {
      const begun = performance.now();
      // A row in the middle, which some batch will hold.
      await database.db.execute(
        sql`update turns set delivery_tries = delivery_tries + 1 where seq = ${ROWS / 2}`,
      );
      longestWaitMs = Math.max(longestWaitMs, performance.now() - begun);
    }
    // At most one row was in the writer's hands when its batch came by; the next round takes it.
    expect(await clearing).toBeGreaterThanOrEqual(ROWS - 1);
    await clearOldWords(database.db, DAYS);
    expect(await left()).toBe(0);
    expect(batches.length).toBeGreaterThan(ROWS / BATCH - 1);
    expect(Math.max(...batches.map((b) => b.rows))).toBeLessThanOrEqual(BATCH);
    const slowest = batches.toSorted((a, b) => b.ms - a.ms)[Math.floor(batches.length / 100)];
    expect(slowest?.ms).toBeLessThan(1_000);
    expect(longestWaitMs).toBeLessThan(2_000);
  }, 60_000);

  test('are cleared once, by whichever of several workers is at it, also after one has stopped', async () => {
    const stop = new AbortController();
    let batches = 0;
    await clearOldWords(database.db, DAYS, {
      batch: BATCH,
      signal: stop.signal,
      onBatch: (rows) => {
        if (rows > 0) batches += 1;
        if (batches === 3) stop.abort();
      },
    });
    expect(await left()).toBe(ROWS - 3 * BATCH);
    const many = await Promise.all(
      Array.from({ length: 4 }, () => clearOldWords(database.db, DAYS, { batch: 2_000 })),
    );
    const sum = many.reduce((total, n) => total + n, 0);
    expect(sum).toBe(ROWS - 3 * BATCH - ((await left()) ?? 0));
    await clearOldWords(database.db, DAYS);
    expect(await left()).toBe(0);
  }, 60_000);

  test('wait while another process holds the lock of the job', async () => {
    await database.db.transaction(async (tx) => {
      await tx.execute(sql`
        select pg_advisory_xact_lock(hashtextextended('latchkey-retention', 0))`);
      expect(await clearOldWords(database.db, DAYS)).toBe(0);
    });
    expect(await left()).toBe(ROWS);
  });
});

test('the job begins with the process, not ten minutes later', async () => {
  let rounds = 0;
  const retention = startRetention({
    db: database.db,
    historyDays: DAYS,
    everyMs: 3_600_000,
    also: [
      async () => {
        rounds += 1;
      },
    ],
    onError: () => {},
  });
  await waitFor(() => rounds === 1);
  await retention.stop();
});

test('a round that fails keeps neither the other work nor the next round back', async () => {
  const errors: unknown[] = [];
  let rounds = 0;
  const retention = startRetention({
    db: database.db,
    historyDays: DAYS,
    everyMs: 20,
    also: [
      () => Promise.reject(new Error('planned')),
      async () => {
        rounds += 1;
      },
    ],
    onError: (error) => errors.push(error),
  });
  await waitFor(() => rounds >= 2);
  await retention.stop();
  expect(errors.length).toBeGreaterThanOrEqual(2);
});

test('the job runs in the app: an old answer is gone a moment later', async () => {
  const world = await createWorld({ retentionEveryMs: 100 });
  try {
    await world.start();
    const ada = world.telegram.addUser({ first_name: 'Ada' });
    const chat = world.telegram.privateChat(ada);
    world.telegram.say(chat, ada, 'question');
    await botSays(world, chat, /You asked: question/);
    const { db } = world.database;
    await waitFor(async () => {
      const aged = await db
        .update(turns)
        .set({ finishedAt: sql`finished_at - interval '31 days'` })
        .where(eq(turns.status, 'done'))
        .returning({ id: turns.id });
      return aged.length > 0;
    });
    await waitFor(async () => {
      const [turn] = await db.select().from(turns);
      return turn?.input.length === 0 && turn.chatId === null;
    });
  } finally {
    await world.close();
  }
});
