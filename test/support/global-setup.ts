import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/db/embedded.ts';
import { migrateDatabase } from '../../src/db/migrate.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A PostgreSQL server for the whole run; its database is the template, with all tables. */
    postgresUrl: string;
    hasRedis: boolean;
  }
}

/** Starts what all test files share, and ends it when the last one is through. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const hasRedis = spawnSync('redis-server', ['--version']).status === 0;
  if (!hasRedis) reportMissingRedis();
  const directory = await mkdtemp(join(await fastDirectory(), 'latchkey-test-'));
  const postgres = await startEmbeddedPostgres({
    dataDir: directory,
    // Thrown away at the end: there is nothing to keep through a power failure.
    settings: { fsync: 'off', full_page_writes: 'off', max_connections: '300' },
  });
  await migrateDatabase({ url: postgres.url });
  project.provide('postgresUrl', postgres.url.reveal());
  project.provide('hasRedis', hasRedis);
  return async () => {
    await postgres.stop();
    await rm(directory, { recursive: true, force: true });
  };
}

/** Memory, where there is a file system of it: a database is made in a fifth of the time. */
async function fastDirectory(): Promise<string> {
  const memory = '/dev/shm';
  const room = await statfs(memory).catch(() => undefined);
  const bytes = room === undefined ? 0 : room.bavail * room.bsize;
  return bytes >= 1024 ** 3 ? memory : tmpdir();
}

function reportMissingRedis(): void {
  const what = 'redis-server is not installed (Debian: apt-get install redis-server)';
  if (process.env.CI) throw new Error(`${what}: in CI every test runs.`);
  process.stderr.write(`\n!!! ${what}: every test on Redis is SKIPPED.\n\n`);
}
