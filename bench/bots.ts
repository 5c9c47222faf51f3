/** What is measured: the bare script, and Latchkey on each of its backends. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../src/db/embedded.ts';
import { fileHere, type Running, startProcess, startRedis } from './processes.ts';
import type { Stage } from './stage.ts';

export const BOT_NAMES = ['bare', 'postgres', 'redis'] as const;
export type BotName = (typeof BOT_NAMES)[number];

export interface BotOptions {
  readonly stage: Stage;
  /** Where `.cpuprofile` files go; absent: no profiling. */
  readonly profileDir?: string | undefined;
}

export async function startBot(name: BotName, options: BotOptions): Promise<Running> {
  return name === 'bare' ? startBare(options) : startLatchkey(name, options);
}

async function startBare({ stage, profileDir }: BotOptions): Promise<Running> {
  const bot = await startProcess({
    command: process.execPath,
    args: [...profiling(profileDir), fileHere('bare.ts')],
    env: {
      BARE_TOKEN: stage.telegram.token,
      BARE_API_ROOT: stage.telegram.url,
      BARE_BASE_URL: stage.provider.url,
      BARE_API_KEY: stage.provider.apiKey,
    },
    isReady: (output) => output.includes('ready'),
  });
  return bot;
}

async function startLatchkey(
  backend: 'postgres' | 'redis',
  { stage, profileDir }: BotOptions,
): Promise<Running> {
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-bench-'));
    closers.push(() => rm(dataDir, { recursive: true, force: true }));
    const env: Record<string, string> = {
      TELEGRAM_BOT_TOKEN: stage.telegram.token,
      TELEGRAM_API_ROOT: stage.telegram.url,
      OPENAI_API_KEY: stage.provider.apiKey,
      OPENAI_BASE_URL: stage.provider.url,
      DATA_DIR: dataDir,
      HTTP_PORT: '0',
      // Nothing is to be refused.
      FREE_DAILY_MESSAGES: '100000',
      FREE_DAILY_USD: '100000',
      HOUSE_DAILY_USD: '999999',
      MAILBOX_LIMIT: '1000',
    };
    if (backend === 'redis') {
      const database = await startEmbeddedPostgres({ dataDir: join(dataDir, 'database') });
      closers.push(() => database.stop());
      const redis = await startRedis();
      closers.push(() => redis.stop());
      Object.assign(env, { DATABASE_URL: database.url.reveal(), REDIS_URL: redis.url });
    }
    const bot = await startProcess({
      command: process.execPath,
      args: [
        ...profiling(profileDir),
        `--import=${fileHere('unpaced.ts')}`,
        fileHere('../src/main.ts'),
      ],
      env,
      isReady: (output) => output.includes('Latchkey is online'),
    });
    closers.push(() => bot.stop());
    return { ...bot, stop: close };
  } catch (error) {
    await close();
    throw error;
  }
}

function profiling(directory: string | undefined): readonly string[] {
  return directory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${directory}`];
}
