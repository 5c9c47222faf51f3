/** Processes that are started again whenever they end, as a service manager does. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { LatchkeyProcess, ProcessOptions } from '../support/process.ts';
import { waitFor } from '../support/wait-for.ts';
import type { Town } from './town.ts';

export interface Supervised {
  readonly name: string;
  /** Undefined while none is online. */
  current(): LatchkeyProcess | undefined;
  /** kill -9; resolves when it is gone, not when the next one is there. */
  kill(): Promise<void>;
  /** What those had written that ended and that nobody killed. */
  readonly ends: readonly string[];
  /** All that was written by all of them. */
  output(): string;
  stop(): Promise<void>;
}

/** @returns when it is online for the first time */
export async function supervise(
  place: Pick<Town, 'start'>,
  name: string,
  options: Partial<ProcessOptions> = {},
): Promise<Supervised> {
  const ends: string[] = [];
  const outputs: (() => string)[] = [];
  let current: LatchkeyProcess | undefined;
  let victim: LatchkeyProcess | undefined;
  let isStopped = false;

  const run = async () => {
    while (!isStopped) {
      // A machine under load takes its time; a service manager has more patience still.
      const started = await place.start({ startMs: 60_000, ...options }).catch((error: unknown) => {
        outputs.push(() => String(error));
      });
      if (started === undefined) {
        await sleep(200);
        continue;
      }
      outputs.push(started.output);
      current = started;
      if (isStopped) await started.kill();
      await started.ended();
      if (!isStopped && victim !== started) ends.push(started.output());
      current = undefined;
    }
  };
  const running = run();
  const supervised: Supervised = {
    name,
    current: () => current,
    ends,
    output: () => outputs.map((said) => said()).join('\n'),
    async kill() {
      const process = current;
      victim = process;
      await process?.kill();
    },
    async stop() {
      isStopped = true;
      await current?.kill();
      await running;
    },
  };
  await waitFor(() => current !== undefined, { timeoutMs: 60_000, what: `that ${name} starts` });
  return supervised;
}
