/** The real Latchkey in this process, on a database of its own, between simulated services. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp } from '../src/app.ts';
import { parseConfig } from '../src/config.ts';
import { createLog } from '../src/log.ts';
import { type AnthropicSimulator, startAnthropicSimulator } from '../test/fakes/anthropic.ts';
import { type FakeDiscord, startFakeDiscord } from '../test/fakes/discord.ts';
import { type OpenAiSimulator, startOpenAiSimulator } from '../test/fakes/openai.ts';
import type { TelegramSimulator } from '../test/fakes/telegram/types.ts';
import { startTelegramSimulator } from '../test/fakes/telegram.ts';

export interface Stage {
  readonly telegram: TelegramSimulator;
  readonly discord: FakeDiscord;
  readonly openai: OpenAiSimulator;
  readonly anthropic: AnthropicSimulator;
  /** Rejects when something that Latchkey can't go on without has ended. */
  readonly broken: Promise<never>;
}

/** Messages a user that the house pays a day: few, so that they run out before everybody. */
export const FREE_MESSAGES = 2;

export interface StageOptions {
  /** Hears how to take down what stands so far; the newest is to be called first. */
  readonly onClose: (close: () => Promise<void>) => void;
  /** Nobody waits for it any more. */
  readonly isOver: () => boolean;
}

export async function setStage({ onClose, isOver }: StageOptions): Promise<Stage> {
  const dataDir = makeDataDir();
  const remove = () => rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  // For exits that wait for nothing.
  process.once('exit', remove);
  onClose(async () => remove());
  const [telegram, discord, openai, anthropic] = await Promise.all([
    startTelegramSimulator({ username: 'latchkey_bot' }),
    startFakeDiscord({ botName: 'Latchkey' }),
    startOpenAiSimulator(),
    startAnthropicSimulator(),
  ]);
  for (const service of [telegram, discord, openai, anthropic]) onClose(() => service.close());

  if (isOver()) throw new Error('over before it began');
  const config = parseConfig({
    TELEGRAM_BOT_TOKEN: telegram.token,
    TELEGRAM_API_ROOT: telegram.url,
    DISCORD_BOT_TOKEN: discord.token,
    DISCORD_API_ROOT: discord.apiRoot,
    OPENAI_API_KEY: openai.apiKey,
    FREE_DAILY_MESSAGES: String(FREE_MESSAGES),
    DATA_DIR: dataDir,
    HTTP_PORT: '0',
  });
  const { promise: broken, reject } = Promise.withResolvers<never>();
  broken.catch(() => undefined);
  const app = await startApp({
    config,
    log: await createLog({ level: 'silent' }),
    onStep: () => undefined,
    onFatal: reject,
    tuning: {
      vendorUrls: { openai: openai.url, anthropic: anthropic.url },
      // Simulated people read faster.
      telegramRates: { chatIntervalMs: 50, chatBurst: 20, groupPerMinute: 1_000 },
    },
  });
  onClose(() => app.stop());
  return { telegram, discord, openai, anthropic, broken };
}

function makeDataDir(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'latchkey-demo-'));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
    throw new Error(`no folder for its data can be made in ${tmpdir()}${code}`, { cause: error });
  }
}
