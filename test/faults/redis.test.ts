/** Redis dies, comes back empty, and is emptied while it runs. */

import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { hasRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait-for.ts';
import { askNext, openFaultStage } from './stage.ts';

test.skipIf(!hasRedis())('Redis is killed four times and flushed three times', async (context) => {
  const stage = await openFaultStage(context, { backend: 'redis' });
  const { redis } = stage.place;
  if (redis === undefined) throw new Error('no Redis');
  await stage.supervise('bot', { env: { ROLE: 'bot' } });
  // So few at a time that most people wait in the queue, not in a worker.
  await stage.supervise('worker 1', { env: { ROLE: 'worker', WORKER_CONCURRENCY: '3' } });
  await stage.supervise('worker 2', { env: { ROLE: 'worker', WORKER_CONCURRENCY: '3' } });
  const load = stage.load();
  for (let round = 0; round < 3; round++) {
    await sleep(stage.random.between(500, 2_000));
    await flush(redis.url);
    stage.struck();
    await sleep(stage.random.between(500, 2_000));
    await redis.kill();
    stage.struck();
    // Taken in while there is no queue.
    await sleep(stage.random.between(200, 3_000));
    await redis.start();
  }
  await load.stop();
  // At the end nobody writes any more, whose message would wake what waits.
  const { place } = stage;
  for (const person of [...place.people, ...place.people]) askNext(place, person);
  await waitFor(() => place.world.telegram.pendingUpdates().length === 0, { timeoutMs: 20_000 });
  await redis.kill();
  stage.struck();
  await redis.start();
  await stage.settle(40_000);
});

async function flush(url: string): Promise<void> {
  const client = new Redis(url);
  try {
    expect(await client.flushall()).toBe('OK');
  } finally {
    client.disconnect();
  }
}
