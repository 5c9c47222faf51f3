/** What must hold on both of BullMQ's backends. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { createMailbox, type Mailbox } from '../../src/queue/mailbox.ts';
import { createWakeups, type Wakeups } from '../../src/queue/wakeups.ts';
import { turnFor, userWithChat, type Who } from '../queue/turns.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTestRedis, hasRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait-for.ts';

describe.each(['postgres', 'redis'] as const)('on %s', (kind) => {
  describe.skipIf(kind === 'redis' && !hasRedis())('a mailbox', () => {
    let database: TestDatabase;
    let redis: TestRedis | undefined;
    let mailbox: Mailbox;
    const open: Wakeups[] = [];

    beforeAll(async () => {
      database = await createTestDatabase({ maxConnections: 20 });
      redis = kind === 'redis' ? await createTestRedis() : undefined;
      mailbox = createMailbox({ db: database.db, limit: 1_000 });
    });
    afterAll(async () => {
      await Promise.all(open.map((wakeups) => wakeups.close()));
      await redis?.close();
      await database.close();
    });

    async function connect(): Promise<Wakeups> {
      const url = kind === 'redis' ? (redis?.url ?? '') : database.url.reveal();
      const wakeups = createWakeups({ backend: { kind, url }, onError: () => {} });
      open.push(wakeups);
      await wakeups.ready(10_000);
      return wakeups;
    }

    /** Runs turns by noting them; counts how many of one user overlap. */
    function noteTurns(wakeups: Wakeups, concurrency: number) {
      const ran: { userId: number; turnId: number }[] = [];
      const running = new Set<number>();
      let overlaps = 0;
      wakeups.work(async (userId) => {
        const claim = await mailbox.claim(userId, 'w', 10_000);
        if (claim === undefined) return;
        if (running.has(userId)) overlaps += 1;
        running.add(userId);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
        ran.push({ userId, turnId: claim.turnId });
        running.delete(userId);
        if (((await mailbox.finish(claim, 'done', null)) ?? 0) > 0) await wakeups.wake(userId);
      }, concurrency);
      return { ran, overlaps: () => overlaps };
    }

    async function say(wakeups: Wakeups, who: Who, order: number): Promise<void> {
      const taken = await mailbox.accept(turnFor(who, order));
      // Who is behind others is woken by whoever ends one of them.
      if (taken.result !== 'accepted' || !taken.isBehindOthers) await wakeups.wake(who.userId);
    }

    test('runs every turn once, in order, one at a time for each user', async () => {
      const sending = await connect();
      const [one, two] = [await connect(), await connect()];
      const notes = [noteTurns(one, 8), noteTurns(two, 8)];
      const people = await Promise.all(Array.from({ length: 20 }, () => userWithChat(database.db)));
      for (let order = 0; order < 10; order += 1) {
        await Promise.all(people.map((who) => say(sending, who, order)));
        // So long that some are answered just now, and some still wait.
        await new Promise((resolve) => setTimeout(resolve, 4 * order));
      }
      // No sweeper here: every wake-up must arrive by itself.
      const ran = () => notes.flatMap((note) => note.ran);
      await waitFor(() => ran().length >= 200, { timeoutMs: 30_000 });
      expect(new Set(ran().map((r) => r.turnId)).size).toBe(200);
      expect(notes.map((note) => note.overlaps())).toEqual([0, 0]);
      const rows = await database.db.execute<{ wrong: number }>(sql`
        select count(*)::int as wrong from turns a join turns b
        on a.user_id = b.user_id and a.sent_order < b.sent_order and a.started_at > b.started_at`);
      expect(rows[0]?.wrong).toBe(0);
      await Promise.all([one.stop(), two.stop()]);
    });

    test('a wake-up that comes while the user’s drain ends is not lost', async () => {
      const wakeups = await connect();
      const notes = noteTurns(wakeups, 4);
      const who = await userWithChat(database.db);
      for (let order = 0; order < 60; order += 1) {
        const before = notes.ran.length;
        await say(wakeups, who, order);
        await waitFor(() => notes.ran.length > before, { timeoutMs: 5_000 });
      }
      expect(notes.ran).toHaveLength(60);
      await wakeups.stop();
    });

    test('one user’s backlog does not delay another’s turn', async () => {
      const wakeups = await connect();
      const [busy, other] = [await userWithChat(database.db), await userWithChat(database.db)];
      for (let order = 0; order < 100; order += 1) await mailbox.accept(turnFor(busy, order));
      const notes = noteTurns(wakeups, 1);
      await wakeups.wake(busy.userId);
      await waitFor(() => notes.ran.length > 3, { timeoutMs: 5_000 });
      const before = notes.ran.length;
      await say(wakeups, other, 1);
      await waitFor(() => notes.ran.some((r) => r.userId === other.userId), { timeoutMs: 5_000 });
      const at = notes.ran.findIndex((r) => r.userId === other.userId);
      expect(at - before).toBeLessThan(10);
      await wakeups.stop();
    });

    test.runIf(kind === 'redis')('accepting does not hang while Redis is away', async () => {
      const wakeups = await connect();
      await redis?.kill();
      const begun = performance.now();
      await say(wakeups, await userWithChat(database.db), 1);
      expect(performance.now() - begun).toBeLessThan(1_500);
      await redis?.start();
    });
  });
});
