/** A clock that jumps: what a process calls "now" moves by hours, and the database's does not. */

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'vitest';
import { hasRedis } from '../support/redis.ts';
import { openFaultStage } from './stage.ts';

describe.each([
  { backend: 'postgres' as const, where: 'PostgreSQL' },
  { backend: 'redis' as const, where: 'Redis' },
])('with the queue on $where', ({ backend }) => {
  test.skipIf(backend === 'redis' && !hasRedis())(
    `the clock of a worker, then of the bot, jumps three hours ahead, behind, and back (${backend})`,
    async (context) => {
      const stage = await openFaultStage(context, { backend });
      const bot = await stage.supervise('bot', { entry: 'clock', env: { ROLE: 'bot' } });
      const worker = await stage.supervise('worker', { entry: 'clock', env: { ROLE: 'worker' } });
      await stage.supervise('worker 2', { env: { ROLE: 'worker' } });
      stage.load();
      for (const jumping of [worker, bot, worker, worker, bot, bot]) {
        await sleep(stage.random.between(1_000, 2_500));
        jumping.current()?.signal('SIGUSR2');
        stage.struck();
      }
      await stage.settle();
    },
  );
});
