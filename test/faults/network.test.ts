/** The network between the processes and their database. */

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'vitest';
import { hasRedis } from '../support/redis.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { openFaultStage } from './stage.ts';

describe.each([
  { backend: 'postgres' as const, where: 'PostgreSQL' },
  { backend: 'redis' as const, where: 'Redis' },
])('with the queue on $where', ({ backend }) => {
  test.skipIf(backend === 'redis' && !hasRedis())(
    `the network between a worker and the database is cut, and swallows everything for seconds (${backend})`,
    async (context) => {
      const stage = await openFaultStage(context, { backend });
      const { database } = stage.place.world;
      const url = new URL(database.url.reveal());
      const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
      url.port = String(proxy.port);
      context.onTestFinished(() => proxy.close());
      await stage.supervise('bot', { env: { ROLE: 'bot' } });
      await stage.supervise('worker near', { env: { ROLE: 'worker' } });
      await stage.supervise('worker far', { env: { ROLE: 'worker', DATABASE_URL: url.href } });
      stage.load();
      for (let round = 0; round < 3; round++) {
        await sleep(stage.random.between(500, 2_000));
        proxy.cut();
        stage.struck();
        await sleep(stage.random.between(500, 2_000));
        // Longer than a lease: what runs there is taken over.
        proxy.swallowAll(true);
        stage.struck();
        await sleep(stage.random.between(3_000, 6_000));
        proxy.swallowAll(false);
        proxy.cut();
      }
      await stage.settle();
    },
  );
});
