/** The operator's shell, as a process of its own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { COMPILE_CACHE } from './compile-cache.ts';
import type { World } from './latchkey.ts';

const START = fileURLToPath(new URL('../../src/start.js', import.meta.url));

export interface EndedAdmin {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface BegunAdmin {
  readonly child: ChildProcess;
  /** What it printed so far. */
  readonly said: Pick<EndedAdmin, 'out' | 'err'>;
  readonly ended: Promise<EndedAdmin>;
}

export interface AdminPlace {
  /** Where it is run. */
  readonly cwd: string | undefined;
  /** All that it gets beside PATH. */
  readonly env: Readonly<Record<string, string>>;
}

export function beginAdmin({ cwd, env }: AdminPlace, args: readonly string[]): BegunAdmin {
  const child = spawn(process.execPath, [START, 'admin', ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', ...COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  const ended = once(child, 'close').then(([code]): EndedAdmin => ({ code, ...said }));
  return { child, said, ended };
}

/** @returns what it printed to standard output. @throws where it fails */
export async function runAdmin({ env }: World, ...args: readonly string[]): Promise<string> {
  const { code, out, err } = await beginAdmin({ cwd: env.DATA_DIR, env }, args).ended;
  if (code !== 0) throw new Error(`admin ${args.join(' ')} ended with ${code}: ${err}`);
  return out;
}
