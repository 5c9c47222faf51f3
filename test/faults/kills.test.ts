/** kill -9 of every role, at random and under load. */

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'vitest';
import { hasRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait-for.ts';
import { type FaultStage, openFaultStage } from './stage.ts';
import type { Supervised } from './supervised.ts';

const KILLS = 6;

/** Kills one after another of those that are online, and waits for nothing in between but chance. */
async function killAtRandom(stage: FaultStage, processes: readonly Supervised[]): Promise<void> {
  for (let kill = 0; kill < KILLS; kill++) {
    await sleep(stage.random.between(300, 2_500));
    const victim = stage.random.pick(processes);
    await waitFor(() => victim.current() !== undefined, { timeoutMs: 60_000 });
    await victim.kill();
    stage.struck();
  }
}

describe.each([
  { backend: 'postgres' as const, where: 'PostgreSQL' },
  { backend: 'redis' as const, where: 'Redis' },
])('with the queue on $where', ({ backend }) => {
  const isMissing = backend === 'redis' && !hasRedis();

  test.skipIf(isMissing)(`the one process is killed at random (${backend})`, async (context) => {
    const stage = await openFaultStage(context, { backend });
    const all = await stage.supervise('all');
    stage.load();
    await killAtRandom(stage, [all]);
    await stage.settle();
  });

  test.skipIf(isMissing)(
    `a bot and two workers are killed at random (${backend})`,
    async (context) => {
      const stage = await openFaultStage(context, { backend });
      // First, because it makes the key ring.
      const bot = await stage.supervise('bot', { env: { ROLE: 'bot' } });
      const workers = await Promise.all([
        stage.supervise('worker 1', { env: { ROLE: 'worker' } }),
        stage.supervise('worker 2', { env: { ROLE: 'worker' } }),
      ]);
      stage.load();
      await killAtRandom(stage, [bot, ...workers]);
      await stage.settle();
    },
  );
});
