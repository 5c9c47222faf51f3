import type { ChatAddress } from '../../chat/message.ts';
import { PlatformError } from '../../chat/platform.ts';
import { backoffMs, pause } from '../../chat/sending/backoff.ts';
import { certainlyNotDone, toPlatformError } from './errors.ts';
import type { Pacing } from './pacing.ts';

export interface RetryTools {
  readonly pacing: Pacing;
  /** Milliseconds before the first repetition; doubles up to 10 s. */
  readonly retryMs: number;
}

/** How often, and until when, something is tried again. */
export class Retries {
  readonly #tools: RetryTools;
  readonly #chat: ChatAddress;
  readonly #until: number;
  #attempts = 0;

  /** @param budgetMs how long all attempts and the waits between them may take */
  constructor(tools: RetryTools, chat: ChatAddress, budgetMs: number) {
    this.#tools = tools;
    this.#chat = chat;
    this.#until = performance.now() + budgetMs;
  }

  /** Waits for the chat's turn. @throws PlatformError when it would come too late */
  async turn(): Promise<void> {
    const waitMs = await this.#tools.pacing.turn(this.#chat, this.#until);
    if (waitMs > 0) throw new PlatformError('flood', 'Telegram asked to send less', waitMs);
  }

  /**
   * Waits as long as the failure asks for.
   * @throws PlatformError when trying again is of no use, or would come too late
   */
  async after(failure: unknown): Promise<void> {
    const error = toPlatformError(failure);
    if (error.code === 'flood') this.#tools.pacing.hold(this.#chat, error.retryAfterMs);
    if (!error.retryable) throw error;
    const waitMs =
      error.code === 'flood'
        ? error.retryAfterMs
        : backoffMs(this.#attempts, this.#tools.retryMs, 10_000);
    this.#attempts += 1;
    if (performance.now() + waitMs > this.#until) throw error;
    await pause(waitMs);
  }
}

/**
 * Repeats what Telegram certainly did not do. `repeatable` things do no harm when they are done
 * twice, so they are also repeated when nobody knows.
 * @throws PlatformError
 */
export async function retrying<T>(
  retries: Retries,
  task: () => Promise<T>,
  { repeatable = false, paced = true } = {},
): Promise<T> {
  for (;;) {
    if (paced) await retries.turn();
    try {
      return await task();
    } catch (failure) {
      if (!repeatable && !certainlyNotDone(failure)) throw toPlatformError(failure);
      await retries.after(failure);
    }
  }
}
