import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartError } from '../../start-error.ts';

const SQLITE_BUSY = 5;

/** Another process has the data directory. */
export class DataDirHeldError extends StartError {}

/** Collected as garbage, a file would be closed, and its lock gone. */
const held = new Set<DatabaseSync>();

/**
 * Keeps a second Latchkey off a data directory. Node has no `flock`; SQLite, which it brings along,
 * locks a file in a way that the kernel undoes when the process dies, kill -9 included, so that no
 * stale lock has to be told from a live one.
 *
 * @returns what releases the lock.
 * @throws DataDirHeldError while another process (or this one) holds it.
 */
export function lockDataDir(dataDir: string): () => void {
  // SQLite takes the lock in steps, and two that start at once can bar each other: so it tries again.
  const path = join(dataDir, 'latchkey.lock');
  const file = openFile(path);
  try {
    file.exec('pragma journal_mode = off; begin exclusive');
  } catch (error) {
    file.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) {
      throw new DataDirHeldError(
        `Another Latchkey is running with the data in ${dataDir}: stop it, or give this one a DATA_DIR of its own.`,
      );
    }
    throw unusable(path, error);
  }
  held.add(file);
  return () => {
    if (held.delete(file)) file.close();
  };
}

function openFile(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: 500 });
  } catch (error) {
    throw unusable(path, error);
  }
}

function unusable(path: string, error: unknown): StartError {
  const why = error instanceof Error ? error.message : 'unknown';
  return new StartError(
    `The lock ${path} can't be used (${why}): let the user that Latchkey runs as write it.`,
  );
}
