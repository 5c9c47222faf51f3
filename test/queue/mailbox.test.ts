import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { createMailbox } from '../../src/queue/mailbox.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { turnFor, userWithChat } from './turns.ts';

const LIMIT = 10;
let database: TestDatabase;
let mailbox: ReturnType<typeof createMailbox>;

beforeAll(async () => {
  database = await createTestDatabase();
  mailbox = createMailbox({ db: database.db, limit: LIMIT });
});
afterAll(() => database.close());

const openOf = (userId: number) => mailbox.open(userId);

async function expireLease(turnId: number): Promise<void> {
  await database.db.execute(
    sql`update turns set lease_until = now() - interval '1 second' where id = ${turnId}`,
  );
}

describe('accepting', () => {
  test('a redelivered message changes nothing', async () => {
    const who = await userWithChat(database.db);
    const turn = turnFor(who, 1);
    const first = await mailbox.accept(turn);
    expect(first.result).toBe('accepted');
    expect(await mailbox.accept(turn)).toEqual({ result: 'duplicate' });
    expect(await openOf(who.userId)).toBe(1);
  });

  test('the same message 50 times at once makes one turn', async () => {
    const who = await userWithChat(database.db);
    const results = await Promise.all(
      Array.from({ length: 50 }, () => mailbox.accept(turnFor(who, 1))),
    );
    expect(results.filter((r) => r.result === 'accepted')).toHaveLength(1);
    expect(results.filter((r) => r.result === 'duplicate')).toHaveLength(49);
    expect(await openOf(who.userId)).toBe(1);
  });

  test('a full mailbox refuses, also when 50 messages come at once', async () => {
    const who = await userWithChat(database.db);
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, i) => mailbox.accept(turnFor(who, i))),
    );
    expect(results.filter((r) => r.result === 'accepted')).toHaveLength(LIMIT);
    expect(results.filter((r) => r.result === 'full')).toHaveLength(50 - LIMIT);
    expect(await openOf(who.userId)).toBe(LIMIT);
  });

  test('a message that was refused stays refused when it is redelivered, until its sender was told', async () => {
    const who = await userWithChat(database.db);
    for (let i = 0; i < LIMIT; i += 1) await mailbox.accept(turnFor(who, i));
    expect((await mailbox.accept(turnFor(who, 99))).result).toBe('full');
    await mailbox.cancel({ userId: who.userId, chatId: who.chatId }, 'stopped');
    expect((await mailbox.accept(turnFor(who, 99))).result).toBe('full');
    await database.db.execute(sql`update inbox set handled_at = now() where outcome = 'refused'`);
    expect((await mailbox.accept(turnFor(who, 99))).result).toBe('duplicate');
    expect((await mailbox.accept(turnFor(who, 1))).result).toBe('duplicate');
  });
});

describe('claiming', () => {
  test('a second turn of the same user waits', async () => {
    const who = await userWithChat(database.db);
    await mailbox.accept(turnFor(who, 1));
    await mailbox.accept(turnFor(who, 2));
    const claim = await mailbox.claim(who.userId, 'a', 10_000);
    expect(claim).toMatchObject({ attempt: 1, takenOver: false });
    expect(await mailbox.claim(who.userId, 'b', 10_000)).toBeUndefined();
  });

  test('20 workers at once get one turn', async () => {
    const who = await userWithChat(database.db);
    for (let i = 0; i < 5; i += 1) await mailbox.accept(turnFor(who, i));
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, i) => mailbox.claim(who.userId, `w${i}`, 10_000)),
    );
    expect(claims.filter((c) => c !== undefined)).toHaveLength(1);
  });

  test('turns run in the order in which the platform dated them, whatever order they came in', async () => {
    const who = await userWithChat(database.db);
    const ids = new Map<number, number>();
    for (const order of [3, 1, 2]) {
      const accepted = await mailbox.accept(turnFor(who, order));
      if (accepted.result === 'accepted') ids.set(accepted.turnId, order);
    }
    const seen: (number | undefined)[] = [];
    for (let i = 0; i < 3; i += 1) {
      const claim = await mailbox.claim(who.userId, 'w', 10_000);
      if (claim === undefined) break;
      seen.push(ids.get(claim.turnId));
      await mailbox.finish(claim, 'done', null);
    }
    expect(seen).toEqual([1, 2, 3]);
  });

  test('a turn that has started is not reordered by an earlier one', async () => {
    const who = await userWithChat(database.db);
    await mailbox.accept(turnFor(who, 5));
    const first = await mailbox.claim(who.userId, 'w', 10_000);
    await mailbox.accept(turnFor(who, 1));
    expect(await mailbox.claim(who.userId, 'w2', 10_000)).toBeUndefined();
    if (first === undefined) throw new Error('nothing claimed');
    await expireLease(first.turnId);
    const again = await mailbox.claim(who.userId, 'w2', 10_000);
    expect(again).toMatchObject({ turnId: first.turnId, attempt: 2, takenOver: true });
  });

  test('a turn that waits for more messages is not claimed before its time', async () => {
    const who = await userWithChat(database.db);
    await mailbox.accept({ ...turnFor(who, 1), waitMs: 60_000 });
    expect(await mailbox.claim(who.userId, 'w', 10_000)).toBeUndefined();
  });
});

describe('the fence', () => {
  test('of two attempts at one turn only the newer takes effect', async () => {
    const who = await userWithChat(database.db);
    await mailbox.accept(turnFor(who, 1));
    const old = await mailbox.claim(who.userId, 'a', 10_000);
    if (old === undefined) throw new Error('nothing claimed');
    await expireLease(old.turnId);
    const now = await mailbox.claim(who.userId, 'b', 10_000);
    if (now === undefined) throw new Error('nothing claimed');
    expect(await mailbox.extend([old], 10_000)).toEqual([]);
    expect(await mailbox.finish(old, 'done', null)).toBeUndefined();
    expect(await mailbox.putBack(old, 0)).toBe(false);
    expect(await openOf(who.userId)).toBe(1);
    expect(await mailbox.finish(now, 'done', null)).toBe(0);
    expect(await mailbox.finish(now, 'done', null)).toBeUndefined();
    expect(await openOf(who.userId)).toBe(0);
  });
});

describe('cancelling', () => {
  test('drops what waits and tells what runs', async () => {
    const who = await userWithChat(database.db);
    for (let i = 0; i < 4; i += 1) await mailbox.accept(turnFor(who, i));
    const claim = await mailbox.claim(who.userId, 'w', 10_000);
    if (claim === undefined) throw new Error('nothing claimed');
    const { promise: told, resolve } = Promise.withResolvers<string>();
    const unlisten = await database.listen('latchkey_cancel', resolve);
    const count = await mailbox.cancel({ userId: who.userId, chatId: who.chatId }, 'stopped');
    expect(count).toEqual({ waiting: 3, running: 1 });
    expect(Number(await told)).toBe(claim.turnId);
    expect(await mailbox.extend([claim], 10_000)).toMatchObject([{ cancelReason: 'stopped' }]);
    expect(await openOf(who.userId)).toBe(1);
    await unlisten();
  });

  test('what stands in the chat already is run once more, to end there', async () => {
    const who = await userWithChat(database.db);
    await mailbox.accept(turnFor(who, 1));
    const claim = await mailbox.claim(who.userId, 'w', 10_000);
    if (claim === undefined) throw new Error('nothing claimed');
    await database.db.execute(
      sql`insert into deliveries (turn_id, part, message_id) values (${claim.turnId}, 0, '7')`,
    );
    expect(await mailbox.putBack(claim, 60_000)).toBe(true);
    const scope = { userId: who.userId, chatId: who.chatId };
    expect(await mailbox.cancel(scope, 'stopped')).toEqual({ waiting: 0, running: 1 });
    expect(await openOf(who.userId)).toBe(1);
    const again = await mailbox.claim(who.userId, 'w', 10_000);
    expect(again?.turnId).toBe(claim.turnId);
    expect(again?.row.cancelReason).toBe('stopped');
  });

  test('a stop for a turn of another chat does nothing', async () => {
    const who = await userWithChat(database.db);
    const other = await userWithChat(database.db);
    const accepted = await mailbox.accept(turnFor(who, 1));
    if (accepted.result !== 'accepted') throw new Error('not accepted');
    const scope = { turnId: accepted.turnId, chatIds: [other.chatId] };
    expect(await mailbox.cancel(scope, 'stopped')).toEqual({ waiting: 0, running: 0 });
  });
});

describe('the sweeper', () => {
  test('finds users whose lease ran out or whose wake-up was lost, and nobody else', async () => {
    const [lost, dead, busy, merging] = await Promise.all(
      Array.from({ length: 4 }, () => userWithChat(database.db)),
    );
    if (!lost || !dead || !busy || !merging) throw new Error('no users');
    for (const who of [lost, dead, busy]) await mailbox.accept(turnFor(who, 1));
    await mailbox.accept(turnFor(busy, 2));
    await mailbox.accept({ ...turnFor(merging, 1), waitMs: 60_000 });
    const claim = await mailbox.claim(dead.userId, 'w', 10_000);
    await mailbox.claim(busy.userId, 'w', 10_000);
    if (claim === undefined) throw new Error('nothing claimed');
    await expireLease(claim.turnId);
    const overdue = await mailbox.overdue(0);
    expect(overdue).toContain(lost.userId);
    expect(overdue).toContain(dead.userId);
    expect(overdue).not.toContain(busy.userId);
    expect(overdue).not.toContain(merging.userId);
  });
});
