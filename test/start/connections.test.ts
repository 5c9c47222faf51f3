/** The ways to PostgreSQL and Redis that operators take: with TLS, and through a pooler. */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { chooseAccount } from '../../src/db/embedded/account.ts';
import { freePort } from '../../src/db/embedded/free-port.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/db/embedded.ts';
import { type Certificates, hasOpenSsl, makeCertificates } from '../support/certificates.ts';
import { createTestDatabase } from '../support/database.ts';
import { createWorld } from '../support/latchkey.ts';
import { startProcess } from '../support/process.ts';
import { createTestRedis, freeLowPort, hasRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait-for.ts';

const hasPgBouncer = spawnSync('pgbouncer', ['--version']).status === 0;
const missing = [
  ...(hasOpenSsl() ? [] : ['openssl']),
  ...(hasPgBouncer ? [] : ['pgbouncer']),
  ...(hasRedis() ? [] : ['redis-server']),
];
if (missing.length > 0) {
  process.stderr.write(
    `\n!!! Not installed: ${missing.join(', ')}. Tests that need it are SKIPPED.\n\n`,
  );
}

/** Starts Latchkey as a process, and has it answer one question. */
async function converse(env: Readonly<Record<string, string>>) {
  const world = await createWorld();
  onTestFinished(() => world.close());
  const latchkey = await startProcess({
    env: { ...world.env, OPENAI_BASE_URL: world.openai.url, ...env },
  });
  onTestFinished(() => latchkey.kill());
  const ann = world.telegram.addUser({ first_name: 'Ann' });
  const chat = world.telegram.privateChat(ann);
  world.openai.script(() => 'It is answered.');
  world.telegram.say(chat, ann, 'hello');
  await waitFor(() => world.telegram.messages(chat).some((m) => m.text?.includes('answered')), {
    timeoutMs: 15_000,
  });
  return { world, latchkey, ann, chat };
}

describe.skipIf(!hasOpenSsl())('with TLS', () => {
  let certificates: Certificates;
  let postgres: EmbeddedPostgres;
  let dataDir: string;
  let database: string;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'latchkey-tls-data-'));
    certificates = await makeCertificates(await chooseAccount(dataDir));
    postgres = await startEmbeddedPostgres({
      dataDir,
      settings: {
        fsync: 'off',
        ssl: 'on',
        ssl_cert_file: certificates.certificate,
        ssl_key_file: certificates.key,
      },
    });
    const url = new URL(postgres.url.reveal());
    url.hostname = 'localhost';
    database = url.href;
  });
  afterAll(async () => {
    await postgres.stop();
    await rm(dataDir, { recursive: true, force: true });
    await rm(certificates.folder, { recursive: true, force: true });
  });

  const verified = () => `${database}?sslmode=verify-full`;

  test('PostgreSQL whose certificate is of an authority of one’s own carries everything, queue included', async () => {
    await converse({
      DATABASE_URL: verified(),
      NODE_EXTRA_CA_CERTS: certificates.authority,
    });
  }, 60_000);

  test('a certificate of an unknown authority keeps it from starting', async () => {
    await expect(converse({ DATABASE_URL: verified() })).rejects.toThrow(/certificate/);
  }, 60_000);

  describe.skipIf(!hasRedis())('Redis', () => {
    /** Takes no connection without TLS. */
    async function serve(port: number, { file = [] as string[], more = [] as string[] } = {}) {
      const dir = await mkdtemp(join(dataDir, 'redis-'));
      const server = spawn(
        'redis-server',
        [
          ...file,
          ...['--port', '0', '--tls-port', String(port), '--bind', '127.0.0.1', '--dir', dir],
          ...['--tls-cert-file', certificates.certificate, '--tls-key-file', certificates.key],
          ...['--tls-ca-cert-file', certificates.authority, '--tls-auth-clients', 'no'],
          ...['--tls-replication', 'yes', '--save', '', ...more],
        ],
        { stdio: ['ignore', 'pipe', 'ignore'] },
      );
      onTestFinished(() => void server.kill('SIGKILL'));
      await ready(server, /Ready to accept|\+monitor/);
    }

    const ask = (port: number, ...args: string[]) =>
      execFileSync(
        'redis-cli',
        ['--tls', '--cacert', certificates.authority, '-p', String(port), ...args],
        { encoding: 'utf8' },
      );

    const carriesTheQueue = (url: string) =>
      converse({ REDIS_URL: url, NODE_EXTRA_CA_CERTS: certificates.authority });

    test('with TLS carries the queue', async () => {
      const port = await freePort();
      await serve(port);
      await carriesTheQueue(`rediss://localhost:${port}`);
    }, 60_000);

    test('as a Cluster with TLS carries the queue', async () => {
      const ports = await Promise.all([freeLowPort(), freeLowPort(), freeLowPort()]);
      const more = ['--cluster-enabled', 'yes', '--tls-cluster', 'yes'];
      await Promise.all(ports.map((port) => serve(port, { more })));
      const nodes = ports.map((port) => `127.0.0.1:${port}`);
      ask(ports[0] ?? 0, '--cluster', 'create', ...nodes, '--cluster-yes');
      await waitFor(() =>
        ports.every((port) => ask(port, 'cluster', 'info').includes('cluster_state:ok')),
      );
      await carriesTheQueue(`rediss+cluster://localhost:${ports[0]}`);
    }, 60_000);

    test('by a Sentinel with TLS carries the queue', async () => {
      const [master, sentinel] = [await freePort(), await freePort()];
      await serve(master);
      const file = join(dataDir, 'sentinel.conf');
      await writeFile(file, `sentinel monitor the-master 127.0.0.1 ${master} 1\n`);
      await serve(sentinel, { file: [file, '--sentinel'] });
      await carriesTheQueue(`rediss+sentinel://localhost:${sentinel}/the-master`);
    }, 60_000);
  });
});

describe.skipIf(!hasPgBouncer || !hasRedis())('through PgBouncer in transaction mode', () => {
  test('it answers, and hears of /stop at its next heartbeat', async () => {
    const redis = await createTestRedis();
    onTestFinished(() => redis.close());
    const database = await createTestDatabase();
    onTestFinished(() => database.close());
    const direct = new URL(database.url.reveal());
    const port = await freePort();
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-pooler-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const account = await chooseAccount(folder);
    const file = join(folder, 'pgbouncer.ini');
    const users = join(folder, 'users.txt');
    await writeFile(users, `"${direct.username}" "${decodeURIComponent(direct.password)}"\n`);
    await writeFile(
      file,
      [
        '[databases]',
        `* = host=127.0.0.1 port=${direct.port}`,
        '[pgbouncer]',
        'listen_addr = 127.0.0.1',
        `listen_port = ${port}`,
        'unix_socket_dir =',
        'auth_type = scram-sha-256',
        `auth_file = ${users}`,
        'pool_mode = transaction',
        'default_pool_size = 5',
        '',
      ].join('\n'),
    );
    await chmod(folder, 0o755);
    if (account !== undefined)
      for (const each of [file, users]) await chown(each, account.uid, account.gid);
    const pooler = spawn('pgbouncer', [file], { ...account, stdio: ['ignore', 'ignore', 'pipe'] });
    onTestFinished(() => void pooler.kill('SIGKILL'));
    await ready(pooler, /process up/);
    const pooled = new URL(direct);
    pooled.port = String(port);
    pooled.searchParams.set('prepare', 'false');
    const { world, ann, chat } = await converse({
      DATABASE_URL: pooled.href,
      REDIS_URL: redis.url,
    });
    world.openai.script(() => ({ text: 'one two three', hangAfter: 1 }));
    const drafts = world.telegram.callsOf('sendMessageDraft').length;
    world.telegram.say(chat, ann, 'and now for long');
    await waitFor(() => world.telegram.callsOf('sendMessageDraft').length > drafts, {
      timeoutMs: 10_000,
    });
    world.telegram.say(chat, ann, '/stop');
    await waitFor(
      () => world.telegram.messages(chat).some((m) => /[Ss]topped/.test(m.text ?? '')),
      {
        timeoutMs: 10_000,
      },
    );
  }, 60_000);
});

async function ready(server: ChildProcess, said: RegExp): Promise<void> {
  const endWithUs = () => server.kill('SIGKILL');
  process.once('exit', endWithUs);
  server.once('exit', () => process.removeListener('exit', endWithUs));
  let output = '';
  for (const stream of [server.stdout, server.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  await waitFor(
    () => {
      if (server.exitCode !== null) throw new Error(output);
      return said.test(output);
    },
    { timeoutMs: 10_000, what: `${said}: ${output}` },
  );
}
