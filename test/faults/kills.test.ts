/** kill -9 of every role, at random and under load. */

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Supervised } from '../crash/supervised.ts';
import { hasRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait-for.ts';
import { type FaultStage, openFaultStage } from './stage.ts';

const KILLS = 6;

/** Kills one after another of those that are online, and waits for nothing in between but chance. */
async function killAtRandom(
  stage: FaultStage,
  processes: readonly Supervised[],
  isWorthIt: () => boolean = () => true,
): Promise<void> {
  for (let kill = 0; kill < KILLS; kill++) {
    await sleep(stage.random.between(300, 2_500));
    const victim = stage.random.pick(processes);
    await waitFor(() => victim.current() !== undefined && isWorthIt(), { timeoutMs: 60_000 });
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

test('the one process is killed at random while the house has little left: no cap is passed', async (context) => {
  // Several turns at a time would pass it, if each reserved without a look at the others.
  const house = 100_000;
  const stage = await openFaultStage(context, {
    env: { HOUSE_DAILY_USD: String(house / 1_000_000), FREE_DAILY_MESSAGES: '4' },
  });
  const { db } = stage.place.world.database;
  stage.place.behave = () => ({ chunkDelayMs: 100 });
  const all = await stage.supervise('all');
  stage.load(60);
  let most = 0;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      const [row] = await db.execute<{ micros: number }>(
        `select coalesce(sum(spent_micros + reserved_micros), 0)::int as micros from budgets where holder_kind = 'house'`,
      );
      most = Math.max(most, row?.micros ?? 0);
      await sleep(20);
    }
  })();
  // A turn that dies is settled at all that it reserved: some kills use the house up.
  const { openai } = stage.place.world;
  const isUsedUp = () =>
    [...stage.place.replies().values()].flat().some((t) => /given away/.test(t));
  await killAtRandom(stage, [all], () => openai.activeRequests() > 1 || isUsedUp()).finally(() => {
    isOver = true;
  });
  await watching;
  expect(most).toBeGreaterThan(house / 2);
  expect(most).toBeLessThanOrEqual(house);
  const { refused } = await stage.settle();
  expect(refused).toBeGreaterThan(0);
  const turns = await db.execute<{ turns: number }>(
    `select turns from budgets where holder_kind = 'user'`,
  );
  expect(Math.max(...turns.map((row) => row.turns))).toBeLessThanOrEqual(4);
});
