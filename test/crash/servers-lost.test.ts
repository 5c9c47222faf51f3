/** Redis and PostgreSQL going away under a running process. */

import { describe, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { hasRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait-for.ts';
import { createTown } from './town.ts';

test.skipIf(!hasRedis())(
  'Redis dies and comes back empty: nothing is lost and nothing doubled',
  { concurrent: true, timeout: 80_000 },
  async ({ onTestFinished }) => {
    const place = await createTown({ backend: 'redis', people: 8 });
    onTestFinished(() => place.close());
    const { redis } = place;
    if (redis === undefined) throw new Error();
    place.behave = () => ({ chunkDelayMs: 30 });
    await place.start();
    place.askAll(1, 2);
    await waitFor(() => place.answered() >= 4, { timeoutMs: 10_000, what: 'four answers' });
    await redis.kill();
    // Taken in while the queue is down.
    place.askAll(3);
    await waitFor(() => place.world.telegram.pendingUpdates().length === 0, { timeoutMs: 15_000 });
    await redis.start();
    await place.settled();
    expect(place.answered()).toBe(24);
    expect([...place.asked.values()].every((times) => times === 1)).toBe(true);
    place.expectOneReplyEach();
    place.expectOrder();
    await place.expectBooksClosed();
  },
);

describe.each(['postgres', 'redis'] as const)(
  'with the queue on %s',
  { concurrent: true },
  (backend) => {
    test.skipIf(backend === 'redis' && !hasRedis())(
      'every connection to PostgreSQL is cut, twice: nothing is lost, nothing doubled unsaid',
      { concurrent: true, timeout: 80_000 },
      async ({ onTestFinished }) => {
        const place = await createTown({ backend, people: 8 });
        onTestFinished(() => place.close());
        place.behave = () => ({ chunkDelayMs: 30 });
        // postgres.js 3.4.9 by itself would end the process when a connection breaks inside a
        // transaction (github.com/porsager/postgres/issues/1208).
        const ends = await place.startSupervised();
        place.askAll(1, 2, 3);
        for (const answered of [3, 10]) {
          await waitFor(() => place.answered() >= answered, { timeoutMs: 30_000 });
          const cut = await place.world.database.db.execute(sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
          and application_name <> 'test'`);
          expect(cut.length).toBeGreaterThan(3);
        }
        place.askAll(4);
        await place.settled();
        expect(place.answered()).toBe(32);
        place.expectOneReplyEach({ repeats: 6 });
        place.expectOrder();
        await place.expectBooksClosed();
        expect(ends).toEqual([]);
      },
    );
  },
);
