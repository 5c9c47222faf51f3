import { backoffMs, pause } from '../../chat/sending/backoff.ts';
import { certainlyNotDone, toPlatformError } from './errors.ts';

export interface RetryTimes {
  /** Milliseconds before the first repetition; doubles up to 10 s. */
  readonly retryMs: number;
  /** Milliseconds that all attempts and the waits between them may take. */
  readonly budgetMs: number;
}

/** Milliseconds by which those who wait for one limit come back apart from each other. */
const SPREAD_MS = 100;

/** How often, and until when, something is tried again. */
export class Retries {
  readonly #retryMs: number;
  readonly #until: number;
  #attempts = 0;

  constructor({ retryMs, budgetMs }: RetryTimes) {
    this.#retryMs = retryMs;
    this.#until = performance.now() + budgetMs;
  }

  /**
   * Waits as long as the failure asks for.
   * @throws PlatformError when trying again is of no use, or would come too late
   */
  async after(failure: unknown): Promise<void> {
    const error = toPlatformError(failure, 'send');
    if (!error.retryable) throw error;
    const waitMs =
      error.code === 'flood'
        ? error.retryAfterMs + Math.random() * SPREAD_MS
        : backoffMs(this.#attempts, this.#retryMs, 10_000);
    this.#attempts += 1;
    if (performance.now() + waitMs > this.#until) throw error;
    await pause(waitMs);
  }
}

/**
 * Repeats what Discord certainly did not do. `repeatable` things do no harm when they are done
 * twice, so they are also repeated when nobody knows.
 * @throws PlatformError
 */
export async function retrying<T>(
  retries: Retries,
  task: () => Promise<T>,
  { repeatable = false } = {},
): Promise<T> {
  for (;;) {
    try {
      return await task();
    } catch (failure) {
      if (!repeatable && !certainlyNotDone(failure)) throw toPlatformError(failure, 'send');
      await retries.after(failure);
    }
  }
}
