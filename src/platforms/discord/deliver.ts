import type { PlatformEvent } from '../../chat/message.ts';
import { backoffMs, pause } from '../../chat/sending/backoff.ts';
import { describe } from './errors.ts';
import type { DiscordLogger } from './logger.ts';

export interface DeliverParts {
  readonly handle: (event: PlatformEvent) => Promise<void>;
  readonly logger: DiscordLogger;
  /** Milliseconds before the next attempt, at first; it doubles. */
  readonly retryMs: number;
  /** Milliseconds for which an event is tried. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

/**
 * Hands an event to the core, again and again while that fails: Discord sends no event twice. What
 * was received and is not stored yet is lost when the process dies in these moments; so is what
 * people write while there is no connection that could be resumed. Discord keeps no list of either:
 * to find it, every direct chat and channel would have to be read.
 * @returns what never throws, and tells whether the core has taken the event
 */
export function createDeliver(parts: DeliverParts): (event: PlatformEvent) => Promise<boolean> {
  const { handle, logger, retryMs, patienceMs, signal } = parts;
  return async (event) => {
    const startedAt = Date.now();
    for (let attempt = 0; ; attempt += 1) {
      try {
        await handle(event);
        return true;
      } catch (error) {
        const waitMs = backoffMs(attempt, retryMs, 10_000);
        if (signal.aborted || Date.now() - startedAt + waitMs > patienceMs) {
          logger.error(
            { ...describe(error), event: event.type, attempts: attempt + 1 },
            'something from Discord could not be taken in, and was given up',
          );
          return false;
        }
        logger.warn(
          { ...describe(error), event: event.type, waitMs },
          'something from Discord could not be taken in; trying again',
        );
        await pause(waitMs, signal);
      }
    }
  };
}
