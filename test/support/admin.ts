/** The operator's shell beside a world, as a process of its own. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { COMPILE_CACHE } from './compile-cache.ts';
import type { World } from './latchkey.ts';

const START = fileURLToPath(new URL('../../src/start.js', import.meta.url));

/** @returns what it printed to standard output. @throws where it fails */
export async function runAdmin(world: World, ...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [START, 'admin', ...args], {
    cwd: world.env.DATA_DIR,
    env: { PATH: process.env.PATH ?? '', ...COMPILE_CACHE, ...world.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`admin ${args.join(' ')} ended with ${code}: ${said.err}`);
  return said.out;
}
