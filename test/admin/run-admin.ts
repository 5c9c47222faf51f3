/** The operator's shell, as a process of its own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RingStage } from '../keys/ring-stage.ts';
import { COMPILE_CACHE } from '../support/compile-cache.ts';

const START = fileURLToPath(new URL('../../src/start.js', import.meta.url));

export interface EndedAdmin {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Begins a command on the database and the ring of a stage. */
export function beginAdmin(
  stage: RingStage,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
) {
  const child: ChildProcess = spawn(process.execPath, [START, 'admin', ...args], {
    cwd: stage.folder,
    env: {
      PATH: process.env.PATH ?? '',
      ...COMPILE_CACHE,
      DATABASE_URL: stage.database.url.reveal(),
      KEY_RING_FILE: stage.file,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  const ended = once(child, 'close').then(([code]): EndedAdmin => ({ code, ...said }));
  return { child, said, ended };
}

export function runAdmin(...given: Parameters<typeof beginAdmin>): Promise<EndedAdmin> {
  return beginAdmin(...given).ended;
}
