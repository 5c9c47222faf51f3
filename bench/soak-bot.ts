/** One Latchkey for a long time, with its databases, and what can be seen of them from outside. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { freePort } from '../src/db/embedded/free-port.ts';
import { startEmbeddedPostgres } from '../src/db/embedded.ts';
import type { Backend } from './bots.ts';
import { fileHere, startProcess, startRedis } from './processes.ts';
import type { Stage } from './stage.ts';

/** At one moment. */
export interface Look {
  /** In MB (10^6 bytes). */
  readonly rss: number;
  readonly heap: number;
  /** Connections that the process has to PostgreSQL. */
  readonly postgres: number;
  readonly redis: number;
  /** `process.getActiveResourcesInfo()`, counted. */
  readonly timers: number;
  /** All others of them: sockets, pipes, requests. */
  readonly handles: number;
  readonly files: number;
}

export interface SoakBot {
  look(): Promise<Look>;
  /** Turns by their states. */
  turns(): Promise<Readonly<Record<string, number>>>;
  /** @throws when it ended by itself */
  check(): void;
  stop(): Promise<void>;
}

export async function startSoakBot(backend: Backend, stage: Stage): Promise<SoakBot> {
  const closers: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-soak-'));
    closers.push(() => rm(dataDir, { recursive: true, force: true }));
    const database = await startEmbeddedPostgres({ dataDir: join(dataDir, 'database') });
    closers.push(() => database.stop());
    const redis = backend === 'redis' ? await startRedis() : undefined;
    if (redis !== undefined) closers.push(() => redis.stop());
    const port = await freePort();
    const bot = await startProcess({
      command: process.execPath,
      // At thirty messages a second, which is what Telegram takes, ten minutes hold 18,000 turns.
      args: [`--import=${fileHere('unpaced.ts')}`, fileHere('../src/main.ts')],
      env: {
        TELEGRAM_BOT_TOKEN: stage.telegram.token,
        TELEGRAM_API_ROOT: stage.telegram.url,
        OPENAI_API_KEY: stage.provider.apiKey,
        OPENAI_BASE_URL: stage.provider.url,
        MODERATION: 'off',
        DATA_DIR: dataDir,
        DATABASE_URL: database.url.reveal(),
        ...(redis === undefined ? {} : { REDIS_URL: redis.url }),
        HTTP_PORT: String(port),
        FREE_DAILY_MESSAGES: '100000',
        FREE_DAILY_USD: '100000',
        HOUSE_DAILY_USD: '999999',
        MAILBOX_LIMIT: '1000',
      },
      isReady: (output) => output.includes('Latchkey is online'),
    });
    closers.push(() => bot.stop());
    const sql = postgres(database.url.reveal(), {
      max: 1,
      connection: { application_name: 'soak' },
    });
    closers.push(() => sql.end({ timeout: 5 }));
    return {
      async look() {
        const [metrics, [connections], clients] = await Promise.all([
          readMetrics(port),
          sql<{ n: number }[]>`
            select count(*)::int as n from pg_stat_activity
            where datname = current_database() and application_name <> 'soak'`,
          redis === undefined ? 0 : redisClients(redis.url),
        ]);
        const resources = (isWanted: (type: string) => boolean) =>
          [...metrics]
            .filter(([name]) => name.startsWith('nodejs_active_resources{'))
            .filter(([name]) => isWanted(/type="(\w+)"/.exec(name)?.[1] ?? ''))
            .reduce((sum, [, value]) => sum + value, 0);
        return {
          rss: metric(metrics, 'process_resident_memory_bytes') / 1e6,
          heap: metric(metrics, 'nodejs_heap_size_used_bytes') / 1e6,
          postgres: connections?.n ?? Number.NaN,
          redis: clients,
          timers: resources((type) => type === 'Timeout' || type === 'Immediate'),
          handles: resources((type) => type !== 'Timeout' && type !== 'Immediate'),
          files: metric(metrics, 'process_open_fds'),
        };
      },
      async turns() {
        const rows = await sql<{ status: string; n: number }[]>`
          select status, count(*)::int as n from turns group by status order by status`;
        return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
      },
      check: bot.check,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function readMetrics(port: number): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  const found = new Map<string, number>();
  for (const line of (await response.text()).split('\n')) {
    const [, name, value] = /^([^#\s]\S*(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
    if (name !== undefined) found.set(name, Number(value));
  }
  return found;
}

function metric(metrics: ReadonlyMap<string, number>, name: string): number {
  const value = metrics.get(name);
  if (value === undefined) throw new Error(`/metrics does not tell ${name}`);
  return value;
}

async function redisClients(url: string): Promise<number> {
  const { Redis } = await import('ioredis');
  const redis = new Redis(url, { lazyConnect: true });
  await redis.connect();
  const list = String(await redis.client('LIST'));
  redis.disconnect();
  // Without this one.
  return list.trim().split('\n').length - 1;
}
