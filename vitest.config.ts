import { defineConfig } from 'vitest/config';
import { COMPILE_CACHE } from './test/support/compile-cache.ts';

// For the workers, which inherit it.
Object.assign(process.env, COMPILE_CACHE);

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Suites of their own: vitest.faults.config.ts, vitest.fuzz.config.ts.
    exclude: ['test/faults/**', 'test/fuzz/**'],
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
