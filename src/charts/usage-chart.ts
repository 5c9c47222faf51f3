/**
 * The picture of /usage. Drawn in a thread of its own, which ends when nobody has asked for a while:
 * the libraries take longer to load and more memory than all else that a command does.
 */

import { Worker } from 'node:worker_threads';
import type { ChartRequest, ChartResult, UsageChart } from './chart.ts';

export interface UsageCharts {
  /** @returns a PNG of 1200 by 720 pixels @throws where it can't be drawn, or not within 20 seconds */
  draw(chart: UsageChart): Promise<Uint8Array>;
  close(): Promise<void>;
}

const IDLE_MS = 15_000;
const PATIENCE_MS = 20_000;

export function createUsageCharts({
  idleMs = IDLE_MS,
}: {
  /** How long the thread waits for the next picture, in milliseconds. */
  readonly idleMs?: number;
} = {}): UsageCharts {
  interface Waiting {
    resolve(png: Uint8Array): void;
    reject(error: Error): void;
  }
  let thread: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let lastId = 0;
  const waiting = new Map<number, Waiting>();

  function start(): Worker {
    const started = new Worker(new URL('./chart-thread.ts', import.meta.url));
    // A thread that waits for pictures keeps no process alive.
    started.unref();
    started.on('message', (result: ChartResult) => {
      const request = waiting.get(result.id);
      waiting.delete(result.id);
      if ('png' in result) request?.resolve(result.png);
      else request?.reject(new Error(`a chart could not be drawn: ${result.error}`));
      if (waiting.size === 0) idle = setTimeout(stop, idleMs).unref();
    });
    started.on('error', (error) => lose(started, error));
    started.on('exit', () => lose(started, new Error('the thread for charts has ended')));
    return started;
  }

  function lose(lost: Worker, cause: unknown): void {
    if (thread !== lost) return;
    thread = undefined;
    const error = cause instanceof Error ? cause : new Error('the thread for charts has failed');
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  }

  async function stop(): Promise<void> {
    clearTimeout(idle);
    const stopped = thread;
    if (stopped === undefined) return;
    lose(stopped, new Error('the thread for charts was stopped'));
    await stopped.terminate();
  }

  return {
    async draw(chart) {
      clearTimeout(idle);
      thread ??= start();
      lastId += 1;
      const id = lastId;
      const drawn = new Promise<Uint8Array>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
      });
      thread.postMessage({ id, chart } satisfies ChartRequest);
      // One that hangs is ended with the thread; the next picture gets a new one.
      const tooLong = setTimeout(stop, PATIENCE_MS);
      return drawn.finally(() => clearTimeout(tooLong));
    },
    close: stop,
  };
}
