import { randomUUID } from 'node:crypto';
import { mkdir, open, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCodeOf } from './system-code.ts';

/**
 * Makes a folder, for its owner alone, and those above it that are missing. Node's own recursive
 * `mkdir` tries for ever where the folder above is there but takes none (/proc, Node 24).
 * @throws the system's error
 */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return;
    const above = dirname(folder);
    if (code !== 'ENOENT' || above === folder || (await isThere(above))) throw error;
    await makeFolder(above);
    await makeFolder(folder);
  }
}

/**
 * Whether files can be made in a folder, or in what is there of the way to it. Leaves nothing.
 * @throws the system's error where they can't
 */
export async function tryToWrite(folder: string): Promise<void> {
  const above = dirname(folder);
  if (above !== folder && !(await isThere(folder))) return tryToWrite(above);
  const probe = join(folder, `.latchkey-${randomUUID()}`);
  await using _handle = await open(probe, 'wx', 0o600);
  await unlink(probe);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
