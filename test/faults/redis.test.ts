/** Redis dies, comes back empty, and is emptied while it runs. */

import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'vitest';
import { hasRedis } from '../support/redis.ts';
import { openFaultStage } from './stage.ts';

test.skipIf(!hasRedis())('Redis is killed three times and flushed three times', async (context) => {
  const stage = await openFaultStage(context, { backend: 'redis' });
  const { redis } = stage.place;
  if (redis === undefined) throw new Error('no Redis');
  await stage.supervise('bot', { env: { ROLE: 'bot' } });
  await stage.supervise('worker 1', { env: { ROLE: 'worker' } });
  await stage.supervise('worker 2', { env: { ROLE: 'worker' } });
  stage.load();
  for (let round = 0; round < 3; round++) {
    await sleep(stage.random.between(500, 2_000));
    spawnSync('redis-cli', ['-u', redis.url, 'flushall']);
    stage.struck();
    await sleep(stage.random.between(500, 2_000));
    await redis.kill();
    stage.struck();
    // Taken in while there is no queue.
    await sleep(stage.random.between(200, 3_000));
    await redis.start();
  }
  await stage.settle();
});
