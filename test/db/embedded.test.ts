import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { chooseAccount } from '../../src/db/embedded/account.ts';
import { findBinaries } from '../../src/db/embedded/binaries.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/db/embedded.ts';
import { StartError } from '../../src/start-error.ts';
import { waitFor } from '../support/wait-for.ts';

let parent: string;
let dataDir: string;
const running = new Set<EmbeddedPostgres>();
const children = new Set<ChildProcess>();

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'latchkey-embedded-'));
  dataDir = join(
    parent,
    'a folder with spaces, ünïcode and a name that is longer than any socket path may be'.repeat(2),
  );
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  for (const server of running) await server.stop();
  running.clear();
});
afterAll(() => rmSync(parent, { recursive: true, force: true }));

async function start(directory = dataDir, onLost?: (sentence: string) => void) {
  const server = await startEmbeddedPostgres({ dataDir: directory, ...(onLost ? { onLost } : {}) });
  running.add(server);
  return server;
}

async function stop(server: EmbeddedPostgres): Promise<void> {
  running.delete(server);
  await server.stop();
}

async function query(url: string, statement: string): Promise<readonly unknown[][]> {
  const client = postgres(url, { max: 1, onnotice: () => undefined, connect_timeout: 5 });
  try {
    return await client.unsafe(statement).values();
  } finally {
    await client.end({ timeout: 1 });
  }
}

async function refusal(directory = dataDir): Promise<string> {
  try {
    await start(directory);
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  throw new Error('it started');
}

/** Another Latchkey, as far as its database goes. */
async function startElsewhere(directory: string): Promise<{ child: ChildProcess; url: string }> {
  const script = fileURLToPath(new URL('../support/hold-embedded-postgres.ts', import.meta.url));
  const child = spawn(process.execPath, [script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Nothing but a path: a service often has no HOME.
    env: { PATH: process.env.PATH },
  });
  children.add(child);
  const [chunk] = await once(child.stdout, 'data');
  return { child, url: String(chunk).trim() };
}

function serverPid(): number {
  return Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}/exe`);
}

test('a first start makes a database that is durable, local and closed by a password', async () => {
  const server = await start();
  const url = server.url.reveal();
  const settings = await query(
    url,
    `select current_setting('fsync'), current_setting('synchronous_commit'),
      current_setting('full_page_writes'), current_setting('listen_addresses'),
      current_setting('server_encoding'), lower('ÄÖ'), current_database()`,
  );
  expect(settings).toEqual([['on', 'on', 'on', '127.0.0.1', 'UTF8', 'äö', 'latchkey']]);
  const guess = new URL(url);
  guess.password = 'guess';
  await expect(query(guess.href, 'select 1')).rejects.toThrow(/password/);
  expect(statSync(join(dataDir, 'postgres-password')).mode & 0o777).toBe(0o600);
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  await query(url, 'create table kept (x int)');
});

test('what was stored is there at the next start', async () => {
  const { url } = await start();
  expect(await query(url.reveal(), 'select * from kept')).toEqual([]);
});

test('a second Latchkey on the same data is refused while the first one lives', async () => {
  const { child, url } = await startElsewhere(dataDir);
  expect(await refusal()).toMatch(/^Another Latchkey is running with the data in /);
  expect(await query(url, 'select 1')).toEqual([[1]]);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await start();
});

test('a second start in the same process is refused, and the first one serves on', async () => {
  const { url } = await start();
  expect(await refusal()).toMatch(/^Another Latchkey/);
  expect(await query(url.reveal(), 'select 1')).toEqual([[1]]);
});

test('two Latchkeys with data of their own run at once', async () => {
  const [one, other] = await Promise.all([start(), start(join(parent, 'other'))]);
  expect(one.url.reveal()).not.toBe(other.url.reveal());
  expect(await query(one.url.reveal(), 'select 1')).toEqual([[1]]);
  expect(await query(other.url.reveal(), 'select 1')).toEqual([[1]]);
});

test('after a kill -9 the next start finds everything that was committed', async () => {
  const { child, url } = await startElsewhere(dataDir);
  await query(url, 'insert into kept values (42)');
  const pid = serverPid();
  child.kill('SIGKILL');
  await once(child, 'exit');
  const server = await start();
  expect(await query(server.url.reveal(), 'select * from kept')).toEqual([[42]]);
  expect(serverPid()).not.toBe(pid);
  expect(isAlive(pid)).toBe(false);
});

test('after a kill -9 of Latchkey and of its server at once the next start recovers', async () => {
  const { child, url } = await startElsewhere(dataDir);
  await query(url, 'insert into kept values (43)');
  process.kill(serverPid(), 'SIGKILL');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const server = await start();
  expect(await query(server.url.reveal(), 'select max(x) from kept')).toEqual([[43]]);
});

test('a server that nobody looks after any more is ended before a new one starts', async () => {
  await stop(await start());
  const directory = join(dataDir, 'postgres');
  const account = chooseAccount(directory);
  const binaries = await findBinaries(account, () => undefined);
  const at = account === undefined ? directory : '/proc/self/cwd';
  const orphan = spawn(
    binaries.postgres,
    ['-D', at, '-c', 'listen_addresses=', '-c', 'unix_socket_directories='],
    { ...account, cwd: directory, stdio: 'ignore', env: { LC_ALL: 'C' } },
  );
  children.add(orphan);
  await waitFor(() => existsSync(join(directory, 'postmaster.pid')));
  const ended = once(orphan, 'exit');
  const server = await start();
  await ended;
  expect(await query(server.url.reveal(), 'select max(x) from kept')).toEqual([[43]]);
});

test('a stale pid file whose number another process has now does no harm', async () => {
  await stop(await start());
  const file = join(dataDir, 'postgres', 'postmaster.pid');
  const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    ...chooseAccount(join(dataDir, 'postgres')),
    stdio: 'ignore',
  });
  children.add(bystander);
  writeFileSync(file, `${bystander.pid}\n/elsewhere\n1\n5432\n\n127.0.0.1\n\nready\n`);
  const server = await start();
  expect(await query(server.url.reveal(), 'select 1')).toEqual([[1]]);
  expect(bystander.exitCode).toBeNull();
});

test('a first start that was interrupted is done again', async () => {
  const directory = join(parent, 'interrupted');
  await mkdir(join(directory, 'postgres.new', 'base'), { recursive: true });
  writeFileSync(join(directory, 'postgres-password'), 'of the start that was interrupted');
  const { url } = await start(directory);
  expect(await query(url.reveal(), 'select 1')).toEqual([[1]]);
});

test('a server that ends by itself is noticed', async () => {
  const lost: string[] = [];
  await start(dataDir, (sentence) => lost.push(sentence));
  process.kill(serverPid(), 'SIGKILL');
  await waitFor(() => lost.length > 0);
  expect(lost[0]).toBe('PostgreSQL ended by itself (SIGKILL)');
});

test('data of another version of PostgreSQL is refused with a sentence', async () => {
  await stop(await start());
  const file = join(dataDir, 'postgres', 'PG_VERSION');
  const version = readFileSync(file, 'utf8');
  writeFileSync(file, '17\n');
  expect(await refusal()).toMatch(/was made by PostgreSQL 17/);
  writeFileSync(file, version);
  await start();
});

test('a missing password is told, and does not cost the data', async () => {
  await stop(await start());
  const file = join(dataDir, 'postgres-password');
  const password = readFileSync(file);
  rmSync(file);
  expect(await refusal()).toMatch(/password is missing/);
  writeFileSync(file, password);
  await start();
});

test('a DATA_DIR that is a file is refused with a sentence', async () => {
  const file = join(parent, 'file');
  writeFileSync(file, '');
  expect(await refusal(file)).toMatch(/is not a directory/);
  expect(await refusal(join(file, 'below'))).toMatch(/is not a directory/);
});
