import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { freePort } from '../../src/db/embedded/free-port.ts';

/** False where no redis-server is installed: `describe.skipIf(!hasRedis())`; never so in CI. */
export function hasRedis(): boolean {
  return inject('hasRedis');
}

/** A port for a node of a Cluster, which talks to the others on its port and 10,000. */
export async function freeLowPort(): Promise<number> {
  const port = await freePort();
  return port < 55_000 ? port : freeLowPort();
}

export interface TestRedis {
  readonly url: string;
  /** kill -9; `start` brings it back, empty, on the same port. */
  kill(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** A Redis server of the caller's own, on a free port, which keeps nothing on disk. */
export async function createTestRedis(): Promise<TestRedis> {
  const port = await freePort();
  // What a test has it write to disk belongs nowhere else.
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-redis-'));
  let server = await startRedis(port, folder);
  return {
    url: `redis://127.0.0.1:${port}`,
    kill: () => end(server, 'SIGKILL'),
    async start() {
      server = await startRedis(port, folder);
    },
    async close() {
      await end(server, 'SIGTERM');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startRedis(port: number, folder: string): Promise<ChildProcess> {
  const flags = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder];
  const server = spawn('redis-server', [...flags, '--save', '', '--appendonly', 'no'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const endWithUs = () => server.kill('SIGKILL');
  process.once('exit', endWithUs);
  server.once('exit', () => process.removeListener('exit', endWithUs));
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  let output = '';
  server.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    if (output.includes('Ready to accept connections')) resolve();
  });
  server.once('exit', () => reject(new Error(`redis-server ended: ${output}`)));
  server.once('error', reject);
  await ready;
  return server;
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill(signal);
  await ended;
}
