/** What is measured: the bare script, and Latchkey on each of its backends. */

import { fileHere, type Running, startProcess } from './processes.ts';
import type { ProviderStandIn } from './provider.ts';
import type { Stage } from './stage.ts';
import { type Backend, openStorage, type Storage } from './storage.ts';

export { BACKENDS, type Backend } from './storage.ts';

export const BOT_NAMES = ['bare', 'postgres', 'redis'] as const;
export type BotName = (typeof BOT_NAMES)[number];

export interface BotOptions {
  readonly stage: Stage;
  /** Where `.cpuprofile` files go; absent: no profiling. */
  readonly profileDir?: string | undefined;
}

export interface LatchkeyOptions {
  /** The settings of its platform. */
  readonly platform: Readonly<Record<string, string>>;
  readonly provider: ProviderStandIn;
  /** Over those that all have. */
  readonly settings?: Readonly<Record<string, string>>;
  /** A file of this folder that is loaded before the entry. */
  readonly preload?: string;
  readonly profileDir?: string | undefined;
}

export async function startBot(name: BotName, options: BotOptions): Promise<Running> {
  if (name === 'bare') return startBare(options);
  const { stage, profileDir } = options;
  const { platform, provider } = stage;
  return startLatchkey(name, { platform, provider, profileDir });
}

async function startBare({ stage, profileDir }: BotOptions): Promise<Running> {
  return startProcess({
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
}

/** With an empty storage of its own, which goes with it. */
export async function startLatchkey(backend: Backend, options: LatchkeyOptions): Promise<Running> {
  const storage = await openStorage(backend);
  try {
    const bot = await startLatchkeyOn(storage, options);
    return {
      ...bot,
      async stop() {
        await bot.stop();
        await storage.close();
      },
    };
  } catch (error) {
    await storage.close();
    throw error;
  }
}

/** One process, as an operator starts it, but that nothing is refused. */
export async function startLatchkeyOn(
  storage: Storage,
  { platform, provider, settings, preload, profileDir }: LatchkeyOptions,
): Promise<Running> {
  const preloads = ['unpaced.ts', ...(preload === undefined ? [] : [preload])];
  return startProcess({
    command: process.execPath,
    args: [
      ...profiling(profileDir),
      ...preloads.map((file) => `--import=${fileHere(file)}`),
      fileHere('../src/main.ts'),
    ],
    env: { ...settingsOn(storage, { platform, provider }), ...settings },
    isReady: (output) => output.includes('Latchkey is online'),
  });
}

/** Everything that a process there is told. */
export function settingsOn(
  storage: Storage,
  { platform, provider }: Pick<LatchkeyOptions, 'platform' | 'provider'>,
): Readonly<Record<string, string>> {
  return {
    ...platform,
    OPENAI_API_KEY: provider.apiKey,
    OPENAI_BASE_URL: provider.url,
    HTTP_PORT: '0',
    FREE_DAILY_MESSAGES: '100000',
    FREE_DAILY_USD: '100000',
    HOUSE_DAILY_USD: '999999',
    MAILBOX_LIMIT: '1000',
    ...storage.settings,
  };
}

function profiling(directory: string | undefined): readonly string[] {
  return directory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${directory}`];
}
