import { defineConfig } from 'vitest/config';
import config from './vitest.config.ts';

/** What takes longer than each change should wait for: every fault on every backend. */
export default defineConfig({
  ...config,
  test: {
    ...config.test,
    include: ['test/faults/**/*.test.ts'],
    exclude: [],
    maxWorkers: 1,
    testTimeout: 120_000,
  },
});
