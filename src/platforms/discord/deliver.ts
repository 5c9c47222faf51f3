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
 * Hands an event to the core, again and again while that fails: Discord sends no event twice. Of
 * what was received and is not stored yet when the process dies, messages are found again where the
 * bot was spoken to lately (`catch-up.ts`); Discord itself tells people of commands and presses.
 * @returns what never throws, and tells whether the core has taken the event
 */
export function createDeliver(parts: DeliverParts): (event: PlatformEvent) => Promise<boolean> {
  const { handle, logger, retryMs, patienceMs, signal } = parts;
  return async (event) => {
    const startedAt = performance.now();
    for (let attempt = 0; ; attempt += 1) {
      try {
        await handle(event);
        return true;
      } catch (error) {
        const waitMs = backoffMs(attempt, retryMs, 10_000);
        if (signal.aborted || performance.now() - startedAt + waitMs > patienceMs) {
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
