import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Secret } from '../secret.ts';
import { StartError } from '../start-error.ts';
import { openConnection } from './connection.ts';
import { chooseAccount } from './embedded/account.ts';
import { findBinaries } from './embedded/binaries.ts';
import { explainSystemError, makeDataDir } from './embedded/data-dir.ts';
import { lockDataDir } from './embedded/lock.ts';
import { stopOrphan } from './embedded/orphan.ts';
import { initialise, ROLE, startServer, stopServer } from './embedded/server.ts';

export const EMBEDDED_DATABASE = 'latchkey';

export interface EmbeddedOptions {
  /** Holds the database and its password; one Latchkey at a time. Made if missing. */
  readonly dataDir: string;
  /** Hears what takes long. */
  readonly onStep?: (sentence: string) => void;
  /** Called when the server ends although nobody stopped it. */
  readonly onLost?: (sentence: string) => void;
  /** PostgreSQL's settings, over the built-in ones. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface EmbeddedPostgres {
  readonly url: Secret;
  /** Fast shutdown; what was committed is kept. */
  stop(): Promise<void>;
}

/** Whether one was ever started here. */
export function hasEmbeddedPostgres(dataDir: string): boolean {
  return existsSync(join(resolve(dataDir), 'postgres'));
}

/**
 * Starts a PostgreSQL of our own under `dataDir`, on a free port of 127.0.0.1.
 *
 * Works for root too, as which PostgreSQL refuses to run: it then runs as another user, who needs
 * no way through root's folders. What a killed Latchkey left behind is ended first.
 *
 * @throws StartError with what the operator can do about it.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const onStep = options.onStep ?? (() => undefined);
  const dataDir = resolve(options.dataDir);
  const directory = join(dataDir, 'postgres');
  const passwordFile = join(dataDir, 'postgres-password');
  await makeDataDir(dataDir);
  const unlock = lockDataDir(dataDir);
  try {
    const account = chooseAccount(directory);
    const binaries = await findBinaries(account, onStep);
    const isNew = !existsSync(directory);
    if (isNew) {
      onStep('Preparing the database (first start, a few seconds)…');
      await initialise(binaries, account, directory, passwordFile);
    } else {
      await stopOrphan(directory);
    }
    const password = await readPassword(passwordFile);
    const server = await startServer(binaries, account, directory, options.settings ?? {});
    // For exits that run no `stop`, where the kernel does not see to it already.
    const endServer = () => server.process.kill('SIGINT');
    process.once('exit', endServer);
    const address = (database: string) =>
      `postgres://${ROLE}:${password}@127.0.0.1:${server.port}/${database}`;
    try {
      await createDatabase(address('postgres'));
    } catch (error) {
      process.removeListener('exit', endServer);
      await stopServer(server.process);
      throw error;
    }
    let stopping = false;
    server.process.once('exit', (code, signal) => {
      if (!stopping) options.onLost?.(`PostgreSQL ended by itself (${signal ?? `code ${code}`})`);
    });
    return {
      url: new Secret(address(EMBEDDED_DATABASE)),
      async stop() {
        stopping = true;
        process.removeListener('exit', endServer);
        await stopServer(server.process);
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw explainSystemError(error, dataDir);
  }
}

async function readPassword(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch {
    throw new StartError(
      `The database's password is missing: ${file}. Put it back from your backup.`,
    );
  }
}

async function createDatabase(url: string): Promise<void> {
  const session = await openConnection({ url: new Secret(url) });
  try {
    const found = await session.run({
      text: `select 1 from pg_database where datname = '${EMBEDDED_DATABASE}'`,
    });
    if (found.length === 0) await session.run({ text: `create database ${EMBEDDED_DATABASE}` });
  } finally {
    await session.close();
  }
}
