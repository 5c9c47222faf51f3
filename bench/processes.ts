/** The bots, Redis and PostgreSQL as processes of their own; each is ended by its handle alone. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../src/db/embedded/free-port.ts';

const KEPT_OUTPUT = 10_000;
const START_MS = 60_000;
const STOP_MS = 40_000;

export interface Running {
  readonly pid: number;
  /** @throws when the process ended by itself */
  check(): void;
  stop(): Promise<void>;
}

export async function startProcess(options: {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly isReady: (output: string) => boolean;
}): Promise<Running> {
  const child = spawn(options.command, options.args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const endWithUs = () => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  let output = '';
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output = (output + chunk).slice(-KEPT_OUTPUT);
      if (options.isReady(output)) resolve();
    });
  }
  const ended = () => new Error(`${options.command} ${options.args.at(-1)} ended:\n${output}`);
  child.once('error', reject);
  child.once('exit', () => reject(ended()));
  const late = setTimeout(() => reject(new Error(`did not start:\n${output}`)), START_MS);
  await ready.finally(() => clearTimeout(late));
  if (child.pid === undefined) throw new Error('a process without a number');
  return {
    pid: child.pid,
    check() {
      if (hasEnded(child)) throw ended();
    },
    async stop() {
      process.removeListener('exit', endWithUs);
      if (hasEnded(child)) return;
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await exit;
      clearTimeout(kill);
    },
  };
}

/** @param path relative to this folder */
export function fileHere(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

export async function startRedis(): Promise<Running & { readonly url: string }> {
  const port = await freePort();
  const running = await startProcess({
    command: 'redis-server',
    args: ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--port', String(port)],
    isReady: (output) => output.includes('Ready to accept connections'),
  });
  return { ...running, url: `redis://127.0.0.1:${port}` };
}

/** In MB (10^6 bytes). */
export interface Memory {
  readonly rss: number;
  /** Pages that several processes use are shared out among them. */
  readonly pss: number;
  /** The most that `rss` has been. */
  readonly peak: number;
}

/** From `/proc`, so on Linux alone. */
export async function memoryOf(pid: number): Promise<Memory> {
  const [rollup, status] = await Promise.all([
    readFile(`/proc/${pid}/smaps_rollup`, 'utf8'),
    readFile(`/proc/${pid}/status`, 'utf8'),
  ]);
  return {
    rss: megabytes(rollup, 'Rss'),
    pss: megabytes(rollup, 'Pss'),
    peak: megabytes(status, 'VmHWM'),
  };
}

function megabytes(text: string, name: string): number {
  return (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) * 1024) / 1e6;
}

/** All processes that descend from one. */
export async function descendantsOf(pid: number): Promise<readonly number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const parent = /\) \S (\d+) /.exec(stat)?.[1];
    if (/^\d+$/.test(name) && parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const found = [pid];
  for (const known of found) {
    for (const [child, parent] of parents) if (parent === known) found.push(child);
  }
  return found.slice(1);
}

/** Seconds of processor time that a process has used. */
export async function processorTime(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // utime and stime are fields 14 and 15 of the line, in hundredths of a second.
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
