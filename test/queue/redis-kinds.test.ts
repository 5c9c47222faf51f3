/** The queue on each kind of Redis: with a password, as a Cluster, and by Sentinel through a failover. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../src/db/embedded/free-port.ts';
import { createWakeups, type Wakeups } from '../../src/queue/wakeups.ts';
import { freeLowPort, hasRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait-for.ts';

const PASSWORD = 'p@ss/word: and more';
const LOGIN = `:${encodeURIComponent(PASSWORD)}@`;

let folder: string;
const servers: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-redis-'));
});
afterAll(async () => {
  for (const server of servers) server.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

async function serve(port: number, flags: readonly string[], ready = 'Ready to accept') {
  const dir = await mkdtemp(join(folder, 'server-'));
  const common = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', ''];
  const server = spawn('redis-server', [...flags, ...common], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  servers.push(server);
  const endWithUs = () => server.kill('SIGKILL');
  process.once('exit', endWithUs);
  server.once('exit', () => process.removeListener('exit', endWithUs));
  let output = '';
  server.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await waitFor(
    () => {
      if (server.exitCode !== null) throw new Error(output);
      return output.includes(ready);
    },
    { what: `redis-server ${flags.join(' ')}` },
  );
  return server;
}

function open(url: string): Wakeups {
  const wakeups = createWakeups({ backend: { kind: 'redis', url }, onError: () => {} });
  onTestFinished(() => wakeups.close());
  return wakeups;
}

/** Users whose mailbox a worker was told to look into. */
function drained(wakeups: Wakeups): ReadonlySet<number> {
  const users = new Set<number>();
  wakeups.work(async (userId) => void users.add(userId), 4);
  return users;
}

describe.skipIf(!hasRedis())('the queue', () => {
  test('works on a Redis with a password, and not with a wrong one', async () => {
    const port = await freePort();
    await serve(port, ['--requirepass', PASSWORD]);
    const wakeups = open(`redis://${LOGIN}127.0.0.1:${port}/3`);
    await wakeups.ready(5_000);
    const users = drained(wakeups);
    await wakeups.wake(7);
    await waitFor(() => users.has(7));
    await wakeups.ping(1_000);
    await expect(open(`redis://:wrong@127.0.0.1:${port}`).ready(1_000)).rejects.toThrow();
  });

  test('works on a Cluster: all of its keys are in one slot', async () => {
    const ports = await Promise.all([freeLowPort(), freeLowPort(), freeLowPort()]);
    await Promise.all(
      ports.map((port) =>
        serve(port, [
          ...['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'],
          ...['--requirepass', PASSWORD, '--masterauth', PASSWORD],
        ]),
      ),
    );
    const nodes = ports.map((port) => `127.0.0.1:${port}`);
    const cli = (...args: string[]) =>
      execFileSync('redis-cli', ['-a', PASSWORD, '--no-auth-warning', ...args], {
        encoding: 'utf8',
      });
    cli('--cluster', 'create', ...nodes, '--cluster-yes');
    await waitFor(() =>
      cli('-p', String(ports[0]), 'cluster', 'info').includes('cluster_state:ok'),
    );
    const wakeups = open(`redis+cluster://${LOGIN}${nodes.slice(0, 2).join(',')}`);
    await wakeups.ready(10_000);
    const users = drained(wakeups);
    for (let user = 1; user <= 20; user += 1) await wakeups.wake(user);
    await waitFor(() => users.size === 20, { timeoutMs: 10_000 });
    const held = ports.filter((port) => !cli('-p', String(port), 'dbsize').startsWith('0'));
    expect(held).toHaveLength(1);
  }, 40_000);

  test('works by Sentinel, and goes on after the master died', async () => {
    const [master, replica] = [await freePort(), await freePort()];
    const login = ['--requirepass', PASSWORD, '--masterauth', PASSWORD];
    const first = await serve(master, login);
    await serve(replica, [...login, '--replicaof', `127.0.0.1 ${master}`]);
    const sentinels = await Promise.all([freePort(), freePort(), freePort()]);
    await Promise.all(
      sentinels.map(async (port) => {
        const file = join(folder, `sentinel-${port}.conf`);
        await writeFile(
          file,
          [
            `sentinel monitor the-master 127.0.0.1 ${master} 2`,
            `sentinel auth-pass the-master "${PASSWORD}"`,
            'sentinel down-after-milliseconds the-master 500',
            'sentinel failover-timeout the-master 3000',
            '',
          ].join('\n'),
        );
        await serve(port, [file, '--sentinel'], '+monitor');
      }),
    );
    const ask = (port: number, ...args: string[]) =>
      execFileSync('redis-cli', ['-p', String(port), ...args], { encoding: 'utf8' });
    await waitFor(
      () =>
        sentinels.every((port) =>
          /num-other-sentinels\n2\n/.test(ask(port, 'sentinel', 'master', 'the-master')),
        ),
      { timeoutMs: 15_000 },
    );
    await waitFor(
      () => ask(sentinels[0] ?? 0, 'sentinel', 'replicas', 'the-master').includes(String(replica)),
      {
        timeoutMs: 15_000,
      },
    );
    const nodes = sentinels.map((port) => `127.0.0.1:${port}`).join(',');
    const wakeups = open(`redis+sentinel://${LOGIN}${nodes}/the-master`);
    await wakeups.ready(10_000);
    const users = drained(wakeups);
    await wakeups.wake(1);
    await waitFor(() => users.has(1));
    first.kill('SIGKILL');
    await once(first, 'exit');
    await waitFor(
      async () => {
        await wakeups.wake(2);
        return users.has(2);
      },
      { timeoutMs: 30_000 },
    );
  }, 80_000);
});
