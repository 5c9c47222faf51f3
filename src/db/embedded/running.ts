import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Secret } from '../../secret.ts';
import { StartError } from '../../start-error.ts';
import { systemCodeOf } from '../../system-code.ts';
import { ROLE } from './server.ts';

/** A Latchkey that has just been started is given so long to bring its database up. */
const PATIENCE_MS = 15_000;

/**
 * The address of the embedded server that another Latchkey runs in this data directory.
 * @throws StartError where it can't be told, or its files may not be read
 */
export async function runningEmbeddedPostgres(dataDir: string, database: string): Promise<Secret> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const [pidFile, password] = await Promise.all([
      readIfThere(join(dataDir, 'postgres', 'postmaster.pid')),
      readIfThere(join(dataDir, 'postgres-password')),
    ]);
    // PostgreSQL's own file: the port stands in its fourth line, the state in its eighth.
    const lines = pidFile?.split('\n') ?? [];
    const port = Number(lines[3]);
    if (password !== undefined && lines[7]?.trim() === 'ready' && Number.isInteger(port)) {
      return new Secret(`postgres://${ROLE}:${password.trim()}@127.0.0.1:${port}/${database}`);
    }
    if (performance.now() > deadline) {
      throw new StartError(
        `A Latchkey is running with the data in ${dataDir}, but its database does not answer: try again in a moment.`,
      );
    }
    await sleep(100);
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'ENOENT') return undefined;
    throw new StartError(
      `${file} can't be read (${String(code)}): run this as the user that Latchkey runs as.`,
    );
  }
}
