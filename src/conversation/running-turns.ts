/** The turns that this process runs: keeps their leases alive and tells them when to stop. */

import type { Fence, Mailbox } from '../queue/mailbox.ts';

/** Why a running turn is aborted; the reason of its AbortSignal. */
export type AbortReason =
  /** The user pressed stop or sent /stop: what came is kept. */
  | 'stopped'
  /** The chat is closed to the bot, or the message is gone: nothing new is sent. */
  | 'closed'
  /** Another worker took the turn over: nothing may be written or sent any more. */
  | 'lost'
  /** This process ends. */
  | 'shutdown';

export interface RunningTurns {
  /** @returns the signal that tells the turn to stop, with an {@link AbortReason} */
  add(fence: Fence): AbortSignal;
  remove(fence: Fence): void;
  /** Looks at once whether this turn is to be cancelled, if it runs here. */
  check(turnId: number): Promise<void>;
  abortAll(reason: AbortReason): void;
  readonly count: number;
  close(): void;
}

export function createRunningTurns({
  mailbox,
  leaseMs,
  heartbeatMs,
  onError,
}: {
  readonly mailbox: Mailbox;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly onError: (error: unknown) => void;
}): RunningTurns {
  interface Entry {
    readonly fence: Fence;
    readonly abort: AbortController;
    /** When the lease that is known to hold ends, on this process's monotonic clock. */
    leaseEnds: number;
  }
  const entries = new Map<number, Entry>();

  async function beat(beating: readonly Entry[]): Promise<void> {
    if (beating.length === 0) return;
    const begun = performance.now();
    try {
      const held = new Map(
        (
          await mailbox.extend(
            beating.map((e) => e.fence),
            leaseMs,
          )
        ).map((h) => [h.turnId, h]),
      );
      for (const entry of beating) {
        const row = held.get(entry.fence.turnId);
        if (row === undefined) {
          if (entries.get(entry.fence.turnId) === entry) entry.abort.abort('lost');
        } else {
          entry.leaseEnds = begun + leaseMs;
          if (row.cancelReason !== null) entry.abort.abort(abortReason(row.cancelReason));
        }
      }
    } catch (error) {
      onError(error);
      // The database does not answer: when the lease may have run out, another worker may go on.
      for (const entry of beating) {
        if (performance.now() > entry.leaseEnds) entry.abort.abort('lost');
      }
    }
  }

  const timer = setInterval(() => void beat([...entries.values()]), heartbeatMs);
  timer.unref();

  return {
    add(fence) {
      const abort = new AbortController();
      entries.set(fence.turnId, { fence, abort, leaseEnds: performance.now() + leaseMs });
      return abort.signal;
    },
    remove(fence) {
      entries.delete(fence.turnId);
    },
    async check(turnId) {
      const entry = entries.get(turnId);
      if (entry !== undefined) await beat([entry]);
    },
    abortAll(reason) {
      for (const entry of entries.values()) entry.abort.abort(reason);
    },
    get count() {
      return entries.size;
    },
    close() {
      clearInterval(timer);
    },
  };
}

function abortReason(cancelReason: string): AbortReason {
  return cancelReason === 'stopped' ? 'stopped' : 'closed';
}
