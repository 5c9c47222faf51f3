import { backoffMs, pause } from '../../chat/sending/backoff.ts';
import { answerCode, describe, TelegramStartError } from './errors.ts';
import type { TelegramLogger } from './logger.ts';

export interface StartRetryOptions {
  readonly logger: TelegramLogger;
  readonly retryMs: number;
  readonly signal: AbortSignal;
  /** Which errors end the start. */
  readonly isFinal?: (error: unknown) => TelegramStartError | undefined;
}

/**
 * Repeats a call until it succeeds: the network may come up after the bot does.
 * @returns undefined when the signal ended it
 * @throws TelegramStartError when repeating would not help
 */
export async function untilStarted<T>(
  call: () => Promise<T>,
  { logger, retryMs, signal, isFinal }: StartRetryOptions,
): Promise<T | undefined> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (signal.aborted) break;
      // A token of the wrong form is answered with 404, one that is not valid with 401.
      const code = answerCode(error);
      if (code === 401 || code === 404) throw new TelegramStartError('bad-token');
      const final = isFinal?.(error);
      if (final !== undefined) throw final;
      const waitMs = backoffMs(attempt, retryMs, 30_000);
      logger.warn({ ...describe(error), waitMs }, 'Telegram is not ready; trying again');
      await pause(waitMs, signal);
    }
  }
  return undefined;
}
