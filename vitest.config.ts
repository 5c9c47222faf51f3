import { defineConfig } from 'vitest/config';
import { COMPILE_CACHE } from './test/support/compile-cache.ts';

// For the workers, which inherit it.
Object.assign(process.env, COMPILE_CACHE);

/** Files that start many processes or servers of their own: vitest.processes.config.ts. */
export const WITH_PROCESSES = [
  'test/admin/**/*.test.ts',
  'test/compose.test.ts',
  'test/crash/discord-workers.test.ts',
  'test/crash/kill.test.ts',
  'test/crash/many-processes.test.ts',
  'test/crash/money.test.ts',
  'test/crash/refusals.test.ts',
  'test/crash/servers-lost.test.ts',
  'test/crash/stop.test.ts',
  'test/crash/workers.test.ts',
  'test/crash/worst-moments.test.ts',
  'test/db/embedded.test.ts',
  'test/demo.test.ts',
  'test/journeys/leaks-process.test.ts',
  'test/journeys/moderation-kept.test.ts',
  'test/journeys/moderation.test.ts',
  'test/journeys/operator-deeds.test.ts',
  'test/journeys/operator.test.ts',
  'test/journeys/paying-in-parallel.test.ts',
  'test/journeys/paying-vouchers.test.ts',
  'test/journeys/three-stories.test.ts',
  'test/journeys/vouchers.test.ts',
  'test/keys/key-ring-move.test.ts',
  'test/queue/redis-kinds.test.ts',
  'test/start/**/*.test.ts',
];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Suites of their own; so are those of vitest.faults.config.ts and vitest.fuzz.config.ts.
    exclude: [...WITH_PROCESSES, 'test/faults/**', 'test/fuzz/**'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 4,
    // A worker imports the program once for all of its files, and by Node itself, as it runs in
    // production. No test replaces a module; state that outlives a file would be a bug.
    isolate: false,
    experimental: { viteModuleRunner: false, nodeLoader: false },
    testTimeout: 20_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
