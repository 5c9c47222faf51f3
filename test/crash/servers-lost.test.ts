/** Redis and PostgreSQL going away under a running process. */

import { expect, test } from 'vitest';
import { hasRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait-for.ts';
import { cutFromPostgres } from './scenarios.ts';
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

test('every connection to PostgreSQL is cut, twice: nothing is lost, nothing doubled unsaid', {
  concurrent: true,
  timeout: 80_000,
}, async ({ onTestFinished }) => {
  await cutFromPostgres('postgres', onTestFinished);
});
