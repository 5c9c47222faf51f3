/**
 * Keeps turns away from a house key that fails. After a failure that the next turn would meet too,
 * the house is closed for a moment; then one turn probes it, and its outcome opens or closes it.
 */

import { KEY_FAILURES, type ProviderErrorCode } from '../llm/provider.ts';

export interface HouseBreaker {
  /** Whether a turn may ask the provider with the house key now; `true` may make it the probe. */
  mayTry(): boolean;
  succeeded(): void;
  /** @returns whether this failure closed the house (the operator is to be told) */
  failed(code: ProviderErrorCode): boolean;
  readonly healthy: boolean;
}

/** Failures of the service: so many in a row, without an answer in between. */
const SERVICE_FAILURES: ReadonlySet<ProviderErrorCode> = new Set(['overloaded', 'no-answer']);
const SERVICE_FAILURES_IN_A_ROW = 5;

export function createHouseBreaker({
  closedMs = 30_000,
  now = () => performance.now(),
}: {
  readonly closedMs?: number | undefined;
  readonly now?: () => number;
} = {}): HouseBreaker {
  let closedUntil: number | undefined;
  let inARow = 0;

  return {
    mayTry() {
      if (closedUntil === undefined) return true;
      if (now() < closedUntil) return false;
      // This turn is the probe; the others wait for what becomes of it, or for another while.
      closedUntil = now() + closedMs;
      return true;
    },
    succeeded() {
      closedUntil = undefined;
      inARow = 0;
    },
    failed(code) {
      if (SERVICE_FAILURES.has(code)) inARow += 1;
      // Of the key itself one is enough.
      if (!KEY_FAILURES.has(code) && inARow < SERVICE_FAILURES_IN_A_ROW) return false;
      const first = closedUntil === undefined;
      closedUntil = now() + closedMs;
      return first;
    },
    get healthy() {
      return closedUntil === undefined;
    },
  };
}
