/** Takes one turn of one user at a time out of the mailbox and runs it. */

import type { DatabaseConnection } from '../db/client.ts';
import type { Log } from '../log.ts';
import { serializeError } from '../log.ts';
import { CANCEL_CHANNEL, type Claim, type Mailbox } from '../queue/mailbox.ts';
import type { Wakeups } from '../queue/wakeups.ts';
import { createRunningTurns } from './running-turns.ts';
import type { TurnRunner } from './turn-runner.ts';
import { FenceLost } from './turn-store.ts';

export interface WorkerParts {
  readonly name: string;
  readonly concurrency: number;
  readonly mailbox: Mailbox;
  readonly wakeups: Wakeups;
  readonly connection: Pick<DatabaseConnection, 'listen'>;
  readonly runTurn: TurnRunner;
  readonly log: Log;
  /** All in milliseconds. */
  readonly timing: Partial<WorkerTiming> | undefined;
}

export interface WorkerTiming {
  /** How long a claim holds without a heartbeat. */
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  /** How often the sweeper looks for users whose wake-up was lost. */
  readonly sweepMs: number;
  /** How long a turn may wait for its wake-up before the sweeper makes another. */
  readonly graceMs: number;
  /** How long running turns may go on after {@link Worker.stop}. */
  readonly stopMs: number;
}

const TIMING: WorkerTiming = {
  leaseMs: 10_000,
  heartbeatMs: 2_500,
  sweepMs: 2_000,
  graceMs: 1_000,
  stopMs: 30_000,
};

export interface Worker {
  /** Running turns may end; what is still running after `stopMs` is closed or put back. */
  stop(): Promise<void>;
  readonly running: number;
}

export async function startWorker(parts: WorkerParts): Promise<Worker> {
  const { mailbox, wakeups, log } = parts;
  const timing = { ...TIMING, ...parts.timing };
  const onError = (error: unknown) => log.error({ error: serializeError(error) }, 'worker');
  const running = createRunningTurns({ mailbox, ...timing, onError });
  const unlisten = await parts.connection.listen(CANCEL_CHANNEL, (turnId) => {
    void running.check(Number(turnId));
  });

  /** @returns how many turns of the user are still open, where that is known */
  async function runClaimed(claim: Claim): Promise<number | undefined> {
    const signal = running.add(claim);
    try {
      return await parts.runTurn(claim, signal);
    } catch (error) {
      if (error instanceof FenceLost) {
        log.warn({ turnId: claim.turnId, attempt: claim.attempt }, 'turn was taken over');
        return undefined;
      }
      log.error(
        { turnId: claim.turnId, error: serializeError(error) },
        'turn failed, will be tried again',
      );
      await mailbox.putBack(claim, 1_000 * claim.attempt);
      return undefined;
    } finally {
      running.remove(claim);
    }
  }

  async function drain(userId: number): Promise<void> {
    try {
      const claim = await mailbox.claim(userId, parts.name, timing.leaseMs);
      if (claim === undefined) return;
      const open = await runClaimed(claim);
      // One turn a wake-up: whoever else waits comes first.
      if (open !== 0) await wakeups.wake(userId);
    } catch (error) {
      // The lease runs out by itself, and the sweeper wakes the user again.
      onError(error);
    }
  }

  let sweeping = false;
  const sweeper = setInterval(async () => {
    if (sweeping) return;
    sweeping = true;
    try {
      for (const userId of await mailbox.overdue(timing.graceMs)) await wakeups.wake(userId);
    } catch (error) {
      onError(error);
    } finally {
      sweeping = false;
    }
  }, timing.sweepMs);
  sweeper.unref();

  wakeups.work(drain, parts.concurrency);

  return {
    async stop() {
      clearInterval(sweeper);
      const late = setTimeout(() => running.abortAll('shutdown'), timing.stopMs);
      await wakeups.stop();
      clearTimeout(late);
      running.close();
      await unlisten();
    },
    get running() {
      return running.count;
    },
  };
}
