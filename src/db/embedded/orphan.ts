import { execFileSync } from 'node:child_process';
import { readlinkSync, statSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from '../../start-error.ts';
import { systemCodeOf } from '../../system-code.ts';

const STOP_TIMEOUT_MS = 30_000;

/**
 * Ends the server of a Latchkey that was killed. Only called while the data directory is locked:
 * a server that runs there has nobody any more.
 */
export async function stopOrphan(directory: string): Promise<void> {
  const pidFile = join(directory, 'postmaster.pid');
  const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 1 || !isAlive(pid)) return;
  if (!isServerOf(pid, directory)) {
    // The number was given to another process since (in a container it often is): PostgreSQL would
    // take that one for its former self and refuse to start.
    await rm(pidFile, { force: true });
    return;
  }
  process.kill(pid, 'SIGINT');
  const deadline = performance.now() + STOP_TIMEOUT_MS;
  while (isAlive(pid)) {
    if (performance.now() > deadline) {
      throw new StartError(
        `A PostgreSQL that an earlier Latchkey left behind (process ${pid}) does not end: end it, then start again.`,
      );
    }
    await sleep(20);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCodeOf(error) === 'EPERM';
  }
}

function isServerOf(pid: number, directory: string): boolean {
  try {
    if (process.platform === 'linux') {
      const here = statSync(`/proc/${pid}/cwd`);
      const there = statSync(directory);
      const program = readlinkSync(`/proc/${pid}/exe`);
      return here.ino === there.ino && here.dev === there.dev && /\/postgres\b/.test(program);
    }
    const line = execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
    return line.includes('postgres') && line.includes(directory);
  } catch {
    return false;
  }
}
