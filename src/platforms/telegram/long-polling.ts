import type { Update } from 'grammy/types';
import type { PlatformEvent } from '../../chat/message.ts';
import type { ReceiverState } from '../../chat/platform.ts';
import { backoffMs, pause } from '../../chat/sending/backoff.ts';
import { type BotApi, POLL_SECONDS } from './bot-api.ts';
import { answerCode, describe, TelegramStartError } from './errors.ts';
import { IntakeWindow } from './intake-window.ts';
import type { TelegramLogger } from './logger.ts';
import { untilStarted } from './start-retry.ts';
import type { Reading, UpdateReader } from './update-reader.ts';
import { ALLOWED_UPDATES } from './wire.ts';

/** Milliseconds to wait for running handlers before Telegram is asked for more. */
const ROUND_MS = 250;
/**
 * Milliseconds between two rounds while something is not handled: Telegram, which sends that again
 * each time, answers at once.
 */
const BREATH_MS = { running: 50, failed: 1000 };

export interface LongPollingOptions {
  readonly api: BotApi;
  readonly reader: UpdateReader;
  readonly handle: (event: PlatformEvent) => Promise<void>;
  readonly giveUp: (event: PlatformEvent) => Promise<void>;
  readonly logger: TelegramLogger;
  /** Milliseconds for which a predecessor that still polls is waited for at the start. */
  readonly conflictGraceMs: number;
  readonly retryMs: number;
  readonly signal: AbortSignal;
  /** Hears, after each round, how it went. */
  readonly onState: (state: ReceiverState) => void;
}

/**
 * Asks for updates until the signal ends it. grammY's own loop confirms the update that is being
 * handled when it is stopped, and ends for good when a handler throws: both lose messages when the
 * process or the database goes down, so the loop is Latchkey's own.
 * @returns when the first batch was fetched: `ended` resolves when the last handler has ended
 * @throws TelegramStartError
 */
export async function startLongPolling(
  options: LongPollingOptions,
): Promise<{ ended: Promise<void> }> {
  const { api, logger } = options;
  const window = new IntakeWindow(options);
  await untilStarted(() => api.polling.deleteWebhook({ drop_pending_updates: false }), options);
  const startedAt = performance.now();
  const first = await untilStarted(() => fetchBatch(options, window, 0), {
    ...options,
    // A new process is often started a moment before the old one has stopped.
    isFinal: (error) =>
      answerCode(error) === 409 && performance.now() - startedAt >= options.conflictGraceMs
        ? new TelegramStartError('conflict')
        : undefined,
  });
  const ended = run(options, window, first ?? []).catch((error: unknown) => {
    logger.error(describe(error), 'receiving from Telegram ended with a fault of its own');
  });
  return { ended };
}

async function run(options: LongPollingOptions, window: IntakeWindow, first: readonly Update[]) {
  const { signal } = options;
  let batch: readonly Update[] | undefined = first;
  options.onState({ ok: true });
  let readings: readonly Reading[] = [];
  let failures = 0;
  while (!signal.aborted) {
    if (batch !== undefined) {
      failures = 0;
      readings = options.reader.readAll(batch);
      await handleBatch(options, window, readings);
      // Telegram numbers anew after a quiet week: once all is confirmed, it knows where to begin.
      if (batch.length === 0 && window.clear) window.offset = undefined;
    }
    if (signal.aborted) break;
    try {
      batch = await fetchBatch(options, window, window.clear ? POLL_SECONDS : 0);
      options.onState({ ok: true });
    } catch (error) {
      if (signal.aborted) break;
      batch = undefined;
      options.onState({ ok: false, detail: detailOf(error) });
      await pausePolling(options, error, failures);
      failures += 1;
    }
  }
  await window.settled();
  window.confirm(readings);
  await confirmLast(options, window);
}

async function handleBatch(
  options: LongPollingOptions,
  window: IntakeWindow,
  readings: readonly Reading[],
): Promise<void> {
  window.take(readings);
  const settled = await window.settledWithin(ROUND_MS);
  window.confirm(readings);
  if (window.clear) return;
  const breathMs = settled ? Math.min(options.retryMs, BREATH_MS.failed) : BREATH_MS.running;
  await pause(breathMs, options.signal);
}

async function fetchBatch(
  { api, signal }: LongPollingOptions,
  window: IntakeWindow,
  timeout: number,
): Promise<Update[]> {
  const { offset } = window;
  return await api.polling.getUpdates(
    {
      timeout,
      limit: 100,
      allowed_updates: ALLOWED_UPDATES,
      ...(offset === undefined ? {} : { offset }),
    },
    // The type is that of a polyfill; what is done with it is what Node's own signals can do.
    signal as unknown as Parameters<typeof api.polling.getUpdates>[1],
  );
}

function detailOf(error: unknown): string {
  switch (answerCode(error)) {
    case 401:
      return 'the token is refused';
    case 409:
      return 'another process receives';
    default:
      return 'not reached';
  }
}

async function pausePolling(options: LongPollingOptions, error: unknown, failures: number) {
  const { logger, signal, retryMs } = options;
  const code = answerCode(error);
  const waitMs = code === 401 ? 30_000 : backoffMs(failures, retryMs, 30_000);
  const message =
    code === 409
      ? 'another process receives the messages of this Telegram bot; trying again'
      : 'receiving from Telegram failed; trying again';
  (code === 401 ? logger.error : logger.warn).call(logger, { ...describe(error), waitMs }, message);
  await pause(waitMs, signal);
}

/** Without it the last batch comes again at the next start, where it is known to be handled. */
async function confirmLast({ api, logger }: LongPollingOptions, window: IntakeWindow) {
  const { offset } = window;
  if (offset === undefined) return;
  try {
    await api.sending.getUpdates({ offset, limit: 1, timeout: 0 });
  } catch (error) {
    logger.info(describe(error), 'the last updates could not be confirmed, and will come again');
  }
}
