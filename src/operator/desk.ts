/** Tells the operators, on their platforms, what they have to mend. */

import type { PlatformName } from '../chat/message.ts';
import type { Notice, PlatformSender } from '../chat/platform.ts';
import type { Operator } from '../config.ts';
import { type Log, serializeError } from '../log.ts';

/** The same warning is repeated after so long, in milliseconds. */
const REPEAT_MS = 3_600_000;

export interface OperatorDesk {
  /**
   * Logs the warning and sends it to every operator. Never throws.
   * @param logged what the log says instead, where the notice holds somebody's words
   */
  warn(code: string, notice: Notice, logged?: string): void;
}

export function createOperatorDesk({
  operators,
  sender,
  log,
  now = () => performance.now(),
}: {
  readonly operators: readonly Operator[];
  readonly sender: (platform: PlatformName) => PlatformSender | undefined;
  readonly log: Log;
  readonly now?: () => number;
}): OperatorDesk {
  const warned = new Map<string, number>();
  return {
    warn(code, notice, logged = notice.markdown) {
      const last = warned.get(code);
      if (last !== undefined && now() - last < REPEAT_MS) return;
      warned.set(code, now());
      log.error({ code }, logged);
      for (const operator of operators) {
        const platform = sender(operator.platform);
        platform
          ?.notify({ chat: platform.directChat(operator) }, notice)
          .catch((error: unknown) => log.warn({ error: serializeError(error) }, 'operator'));
      }
    },
  };
}
