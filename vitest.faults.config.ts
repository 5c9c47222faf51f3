import { defineConfig } from 'vitest/config';
import config from './vitest.config.ts';

// One game for the whole run; the workers inherit it.
process.env.FAULTS_SEED ??= String(Date.now() % 1_000_000);

/** What takes longer than each change should wait for: every fault on every backend. */
export default defineConfig({
  ...config,
  test: {
    ...config.test,
    include: ['test/faults/**/*.test.ts'],
    exclude: [],
    maxWorkers: 1,
    testTimeout: 240_000,
    reporters: ['default', './test/faults/reporter.ts'],
  },
});
