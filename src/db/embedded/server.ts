import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from './account.ts';
import type { Binaries } from './binaries.ts';
import { freePort } from './free-port.ts';
import { explainFailure } from './start-failures.ts';

/** The role that owns everything. */
export const ROLE = 'latchkey';

/** What PostgreSQL said last, in characters: enough to tell why it did not start. */
const KEPT_OUTPUT = 8_000;

/** After a hard crash the log has to be replayed first. */
const START_TIMEOUT_MS = 5 * 60_000;
const STOP_TIMEOUT_MS = 30_000;

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  // No socket file: its path may be at most some 100 bytes, and DATA_DIR's can be longer.
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '64MB',
  jit: 'off',
  // One machine, nobody to replicate to: less to write and fewer processes.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  max_wal_size: '256MB',
  io_method: 'sync',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Hides everything about single queries: their texts and values are nobody's business.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_checkpoints: 'off',
};

export interface RunningServer {
  readonly port: number;
  readonly process: ChildProcess;
}

/**
 * Makes an empty database in `directory`, whole or not at all.
 *
 * @param passwordFile where the role's password is kept, for Latchkey's own user only.
 */
export async function initialise(
  binaries: Binaries,
  account: Account,
  directory: string,
  passwordFile: string,
): Promise<void> {
  const draft = `${directory}.new`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  if (account !== undefined) await chown(draft, account.uid, account.gid);
  const password = randomBytes(24).toString('base64url');
  const handOver = `${passwordFile}.new`;
  await writeFile(handOver, password, { mode: 0o600 });
  const handle = await open(handOver);
  try {
    if (account !== undefined) await handle.chown(account.uid, account.gid);
    const byPath = process.platform === 'win32';
    const child = spawn(
      binaries.initdb,
      [
        `--pgdata=${reach(account, draft)}`,
        `--username=${ROLE}`,
        // Its folder may be closed to PostgreSQL's user; an open file is not.
        `--pwfile=${byPath ? handOver : '/dev/fd/3'}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--no-instructions',
      ],
      {
        ...account,
        cwd: draft,
        env: environment(),
        stdio: ['ignore', 'ignore', 'pipe', byPath ? 'ignore' : handle.fd],
      },
    );
    const output = keepOutput(child);
    const code = await exitCode(child);
    if (code !== 0) throw explainFailure(output(), directory);
    await rm(passwordFile, { force: true });
    await writeFile(passwordFile, password, { mode: 0o600, flush: true });
    await rename(draft, directory);
  } finally {
    await handle.close();
    await rm(handOver, { force: true });
    await rm(draft, { recursive: true, force: true });
  }
}

/** Starts the server on a free port of 127.0.0.1 and waits until it takes connections. */
export async function startServer(
  binaries: Binaries,
  account: Account,
  directory: string,
  settings: Readonly<Record<string, string>>,
): Promise<RunningServer> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const result = await tryToStart(binaries, account, directory, port, settings);
    if (typeof result !== 'string') return { port, process: result };
    const portTaken = result.includes('Address already in use');
    // What a killed server's last backends still hold is free in a moment.
    const memoryHeld = result.includes('shared memory block');
    if (attempt >= 20 || !(portTaken || memoryHeld)) throw explainFailure(result, directory);
    if (memoryHeld) await sleep(250);
  }
}

/** Fast shutdown: running transactions are rolled back, everything committed is on disk. */
export async function stopServer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  const late = setTimeout(() => child.kill('SIGQUIT'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(late);
}

async function tryToStart(
  binaries: Binaries,
  account: Account,
  directory: string,
  port: number,
  settings: Readonly<Record<string, string>>,
): Promise<ChildProcess | string> {
  const flags = Object.entries({ ...SETTINGS, ...settings, port: String(port) }).flatMap(
    ([name, value]) => ['-c', `${name}=${value}`],
  );
  const [command, ...args] = [
    ...dieWithParent(),
    binaries.postgres,
    '-D',
    reach(account, directory),
    ...flags,
  ];
  const child = spawn(command ?? binaries.postgres, args, {
    ...account,
    cwd: directory,
    env: environment(),
    stdio: ['ignore', 'ignore', 'pipe'],
    // A group of its own, or Ctrl+C in a terminal would stop it before Latchkey has finished.
    detached: true,
  });
  const output = keepOutput(child);
  const { promise: ready, resolve } = Promise.withResolvers<'ready'>();
  child.stderr?.on('data', () => {
    if (output().includes('ready to accept connections')) resolve('ready');
  });
  const timeout = new AbortController();
  const outcome = await Promise.race([
    ready,
    exitCode(child).then(() => 'ended' as const),
    sleep(START_TIMEOUT_MS, 'late' as const, { signal: timeout.signal }),
  ]).finally(() => timeout.abort());
  if (outcome === 'ready') return child;
  if (outcome === 'late') await stopServer(child);
  return output();
}

/**
 * How the server is told its directory. It runs there, so a link to "here" spares it the way from
 * the root, which root's folders may bar to another user; the kernel follows it without asking.
 */
function reach(account: Account, directory: string): string {
  return account !== undefined && existsSync('/proc/self/cwd') ? '/proc/self/cwd' : directory;
}

/** Where util-linux is there: Latchkey's death, kill -9 included, shuts the server down. */
function dieWithParent(): string[] {
  const setpriv = '/usr/bin/setpriv';
  if (process.platform !== 'linux' || !existsSync(setpriv)) return [];
  try {
    execFileSync(setpriv, ['--pdeathsig', 'INT', 'true'], { stdio: 'ignore' });
    return [setpriv, '--pdeathsig', 'INT', '--'];
  } catch {
    return [];
  }
}

/** None of the operator's PG… variables, and messages in the one language that is looked for. */
function environment(): NodeJS.ProcessEnv {
  return { LC_ALL: 'C', PATH: '/usr/local/bin:/usr/bin:/bin' };
}

function keepOutput(child: ChildProcess): () => string {
  let kept = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    kept = (kept + chunk).slice(-KEPT_OUTPUT);
  });
  return () => kept;
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, 'close');
  return typeof code === 'number' ? code : null;
}
