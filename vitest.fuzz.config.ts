import { defineConfig } from 'vitest/config';
import config from './vitest.config.ts';

/** Every parser of what comes from outside, each for a minute, with inputs made up at random. */
export default defineConfig({
  ...config,
  test: {
    ...config.test,
    include: ['test/fuzz/**/*.test.ts'],
    exclude: [],
    maxWorkers: 2,
  },
});
