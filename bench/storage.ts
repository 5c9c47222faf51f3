/** What an installation keeps, apart from the processes that serve it: they come and go, it stays. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../src/db/embedded.ts';
import { startRedis } from './processes.ts';

export const BACKENDS = ['postgres', 'redis'] as const;
export type Backend = (typeof BACKENDS)[number];

/** A process opens up to 21 connections: the hundred of PostgreSQL's default are too few for five. */
const SEVERAL_PROCESSES = { max_connections: '200' } as const;

export interface Storage {
  /** Holds the key ring too. */
  readonly dataDir: string;
  /** Absent: the database is the process's own, in `dataDir`. */
  readonly databaseUrl?: string;
  readonly redisUrl?: string;
  /** With which a process finds all of it. */
  readonly settings: Readonly<Record<string, string>>;
  /** Deletes it; the processes on it must have ended. */
  close(): Promise<void>;
}

/** An empty one. `redis`: with a PostgreSQL that is equal to the embedded one, as a server beside. */
export async function openStorage(backend: Backend): Promise<Storage> {
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-bench-'));
    closers.push(() => rm(dataDir, { recursive: true, force: true }));
    if (backend === 'postgres') return { dataDir, settings: { DATA_DIR: dataDir }, close };
    const database = await startEmbeddedPostgres({
      dataDir: join(dataDir, 'database'),
      settings: SEVERAL_PROCESSES,
    });
    closers.push(() => database.stop());
    const redis = await startRedis();
    closers.push(() => redis.stop());
    const [databaseUrl, redisUrl] = [database.url.reveal(), redis.url];
    const settings = { DATA_DIR: dataDir, DATABASE_URL: databaseUrl, REDIS_URL: redisUrl };
    return { dataDir, databaseUrl, redisUrl, settings, close };
  } catch (error) {
    await close();
    throw error;
  }
}
