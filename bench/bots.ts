/** What is measured: the bare script, and Latchkey on each of its backends. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../src/db/embedded.ts';
import { fileHere, type Running, startProcess, startRedis } from './processes.ts';
import type { ProviderStandIn } from './provider.ts';
import type { Stage } from './stage.ts';

export const BOT_NAMES = ['bare', 'postgres', 'redis'] as const;
export type BotName = (typeof BOT_NAMES)[number];

export const BACKENDS = ['postgres', 'redis'] as const;
export type Backend = (typeof BACKENDS)[number];

export interface BotOptions {
  readonly stage: Stage;
  /** Where `.cpuprofile` files go; absent: no profiling. */
  readonly profileDir?: string | undefined;
}

export interface LatchkeyOptions {
  /** The settings of its platform. */
  readonly platform: Readonly<Record<string, string>>;
  readonly provider: ProviderStandIn;
  readonly profileDir?: string | undefined;
}

export async function startBot(name: BotName, options: BotOptions): Promise<Running> {
  if (name === 'bare') return startBare(options);
  const { stage, profileDir } = options;
  const { telegram, provider } = stage;
  const platform = { TELEGRAM_BOT_TOKEN: telegram.token, TELEGRAM_API_ROOT: telegram.url };
  return startLatchkey(name, { platform, provider, profileDir });
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

export async function startLatchkey(
  backend: Backend,
  { platform, provider, profileDir }: LatchkeyOptions,
): Promise<Running> {
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-bench-'));
    closers.push(() => rm(dataDir, { recursive: true, force: true }));
    const env: Record<string, string> = {
      ...platform,
      OPENAI_API_KEY: provider.apiKey,
      OPENAI_BASE_URL: provider.url,
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
