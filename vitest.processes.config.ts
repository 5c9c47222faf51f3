import { defineConfig } from 'vitest/config';
import config, { WITH_PROCESSES } from './vitest.config.ts';

/** What starts many processes or servers of its own: the operator's shell, several workers, TLS. */
export default defineConfig({
  ...config,
  test: { ...config.test, include: WITH_PROCESSES, exclude: [], maxWorkers: 2 },
});
