/** The whole of Latchkey in this process, between simulators: real database, real queue, real SDKs. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, type AppOptions, startApp, type Tuning } from '../../src/app.ts';
import { parseConfig } from '../../src/config.ts';
import { createLog } from '../../src/log.ts';
import { type AnthropicSimulator, startAnthropicSimulator } from '../fakes/anthropic.ts';
import { type FakeDiscord, type FakeDiscordOptions, startFakeDiscord } from '../fakes/discord.ts';
import { type OpenAiSimulator, startOpenAiSimulator } from '../fakes/openai.ts';
import type { SimulatorOptions, TelegramSimulator } from '../fakes/telegram/types.ts';
import { startTelegramSimulator } from '../fakes/telegram.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

export interface LatchkeyOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly telegram?: SimulatorOptions;
  /** Where given, Latchkey is on Discord too. */
  readonly discord?: FakeDiscordOptions;
  /** How long a failing house key is left alone, in milliseconds; by default as in real life. */
  readonly houseClosedMs?: number;
  /** How often what is no longer to be kept is deleted, in milliseconds; by default as in real life. */
  readonly retentionEveryMs?: number;
  /** How patient the worker is, where not as in most tests. */
  readonly timing?: Tuning['timing'];
  /** Platforms of the test's own, beside Telegram. */
  readonly platforms?: NonNullable<Tuning['platforms']>;
  /** A database of the test's own, which the world closes; by default one on the run's server. */
  readonly database?: TestDatabase;
}

export interface World {
  readonly telegram: TelegramSimulator;
  /** Undefined where the world was made without it. */
  readonly discord: FakeDiscord | undefined;
  readonly openai: OpenAiSimulator;
  readonly anthropic: AnthropicSimulator;
  readonly database: TestDatabase;
  /** What a process of its own would be started with. */
  readonly env: Readonly<Record<string, string>>;
  /** Every line that was logged so far. */
  readonly logged: readonly string[];
  /** @param terminal where somebody sits, as a second platform */
  start(
    env?: Readonly<Record<string, string>>,
    terminal?: NonNullable<AppOptions['terminal']>,
  ): Promise<App>;
  close(): Promise<void>;
}

/** Simulators and a database of the test's own; Latchkey itself is started by `start`. */
export async function createWorld({
  env = {},
  telegram: options,
  discord: discordOptions,
  houseClosedMs,
  retentionEveryMs,
  timing,
  platforms,
  database: ownDatabase,
}: LatchkeyOptions = {}): Promise<World> {
  const [telegram, discord, openai, anthropic, database, dataDir] = await Promise.all([
    startTelegramSimulator(options),
    discordOptions === undefined ? undefined : startFakeDiscord(discordOptions),
    startOpenAiSimulator(),
    startAnthropicSimulator(),
    ownDatabase ?? createTestDatabase(),
    mkdtemp(join(tmpdir(), 'latchkey-test-')),
  ]);
  const apps: App[] = [];
  const logged: string[] = [];
  const settings = {
    TELEGRAM_BOT_TOKEN: telegram.token,
    TELEGRAM_API_ROOT: telegram.url,
    ...(discord === undefined
      ? {}
      : { DISCORD_BOT_TOKEN: discord.token, DISCORD_API_ROOT: discord.apiRoot }),
    DATABASE_URL: database.url.reveal(),
    DATA_DIR: dataDir,
    OPENAI_API_KEY: openai.apiKey,
    // Tests of moderation turn it on.
    MODERATION: 'off',
    HTTP_PORT: '0',
    LOG_LEVEL: 'trace',
    ...env,
  };
  return {
    telegram,
    discord,
    openai,
    anthropic,
    database,
    env: settings,
    logged,
    async start(more = {}, terminal) {
      const config = parseConfig({ ...settings, ...more });
      const log = await createLog({
        level: config.logLevel,
        stream: { write: (line: string) => void logged.push(line) },
      });
      const app = await startApp({
        config,
        log,
        onStep: (sentence) => logged.push(sentence),
        ...(terminal === undefined ? {} : { terminal }),
        onFatal: (error) => logged.push(`fatal: ${String(error)}`),
        tuning: {
          vendorUrls: { openai: openai.url, anthropic: anthropic.url },
          timing: {
            leaseMs: 3_000,
            heartbeatMs: 500,
            sweepMs: 300,
            graceMs: 300,
            stopMs: 1_000,
            ...timing,
          },
          // The simulator's people read faster; pacing has tests of its own.
          telegramRates: { chatIntervalMs: 50, chatBurst: 20, groupPerMinute: 1_000 },
          ...(houseClosedMs === undefined ? {} : { houseClosedMs }),
          ...(retentionEveryMs === undefined ? {} : { retentionEveryMs }),
          ...(platforms === undefined ? {} : { platforms }),
        },
      });
      apps.push(app);
      return app;
    },
    async close() {
      for (const app of apps) await app.stop();
      await Promise.all([telegram.close(), discord?.close(), openai.close(), anthropic.close()]);
      await database.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
