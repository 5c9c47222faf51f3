/** Latchkey as a process of its own, which can be killed, stopped and continued. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { COMPILE_CACHE } from './compile-cache.ts';
import { waitFor } from './wait-for.ts';

export interface LatchkeyProcess {
  readonly pid: number;
  /** Everything that it wrote so far, as it came. */
  output(): string;
  /** @throws when `what` has not been logged within `timeoutMs` (default 15,000) */
  logs(what: string | RegExp, timeoutMs?: number): Promise<void>;
  /** Sends a signal and returns at once. */
  signal(signal: NodeJS.Signals): void;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
  /** Resolves with the exit code, or the signal that ended it. */
  ended(): Promise<number | NodeJS.Signals>;
}

export interface ProcessOptions {
  /** All that it gets beside PATH. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * `main`: as operators start it; `fast`: with leases short enough for a test; `clock`: the same,
   * with a clock that jumps at SIGUSR2.
   */
  readonly entry?: 'main' | 'fast' | 'clock';
  /** How long it may take to be online, in milliseconds; default 15,000. */
  readonly startMs?: number;
}

const ENTRIES = {
  main: new URL('../../src/main.ts', import.meta.url),
  fast: new URL('./main-fast.ts', import.meta.url),
  clock: new URL('./main-clock.ts', import.meta.url),
};

/** Starts it and waits until it is online. */
export async function startProcess({
  env,
  entry = 'fast',
  startMs = 15_000,
}: ProcessOptions): Promise<LatchkeyProcess> {
  const child = spawn(process.execPath, [fileURLToPath(ENTRIES[entry])], {
    env: { PATH: process.env.PATH ?? '', ...COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const endWithUs = () => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  child.once('exit', () => process.removeListener('exit', endWithUs));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  const latchkey: LatchkeyProcess = {
    pid: child.pid ?? 0,
    output: () => output,
    async logs(what, timeoutMs = 15_000) {
      const deadline = Date.now() + timeoutMs;
      const said = () => {
        if (output.search(what) >= 0) return true;
        if (hasEnded(child)) throw new Error(`it ended before it said ${what}:\n${output}`);
        if (Date.now() > deadline) throw new Error(`it did not say ${what}:\n${output}`);
        return false;
      };
      await waitFor(said, { timeoutMs: timeoutMs + 1_000 });
    },
    signal: (signal) => void child.kill(signal),
    async kill() {
      child.kill('SIGKILL');
      await latchkey.ended();
    },
    async ended() {
      if (!hasEnded(child)) await once(child, 'exit');
      return child.exitCode ?? child.signalCode ?? 'SIGKILL';
    },
  };
  try {
    await latchkey.logs('Latchkey is online', startMs);
  } catch (error) {
    await latchkey.kill();
    throw error;
  }
  return latchkey;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
