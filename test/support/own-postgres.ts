/** A PostgreSQL server of one test's own, which can die and come back at the same address. */

import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { connectDatabase } from '../../src/db/client.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/db/embedded.ts';
import { migrateDatabase } from '../../src/db/migrate.ts';
import { Secret } from '../../src/secret.ts';
import type { TestDatabase } from './database.ts';
import { startTcpProxy } from './tcp-proxy.ts';

export interface OwnPostgres {
  /** For `createWorld`, which closes it, and the server with it. */
  readonly database: TestDatabase;
  readonly isUp: () => boolean;
  /** As `pg_ctl stop -m immediate`: nothing is finished, and the log is replayed at the next start. */
  crash(): Promise<void>;
  /** Brings it back, where it is not up. */
  start(): Promise<void>;
}

/** @param dataDir is removed when the database is closed */
export async function startOwnPostgres(
  dataDir: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<OwnPostgres> {
  let isUp = false;
  const launch = async (): Promise<EmbeddedPostgres> => {
    const launched = await startEmbeddedPostgres({
      dataDir,
      settings: { max_connections: '200', ...settings },
      onLost: () => {
        isUp = false;
      },
    });
    isUp = true;
    return launched;
  };
  const portOf = ({ url }: EmbeddedPostgres) => Number(new URL(url.reveal()).port);
  let server = await launch();
  await migrateDatabase({ url: server.url });
  // It takes another port at every start; its clients know this one.
  const target = { host: '127.0.0.1', port: portOf(server) };
  const proxy = await startTcpProxy(target);
  const address = new URL(server.url.reveal());
  address.port = String(proxy.port);
  const url = new Secret(address.href);
  const connection = await connectDatabase({ url, applicationName: 'test' });
  return {
    database: {
      ...connection,
      url,
      async close() {
        await connection.close();
        await server.stop();
        await proxy.close();
        await rm(dataDir, { recursive: true, force: true });
      },
    },
    isUp: () => isUp,
    async crash() {
      const lines = await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8');
      isUp = false;
      process.kill(Number.parseInt(lines, 10), 'SIGQUIT');
      await server.stop();
      proxy.cut();
    },
    async start() {
      if (isUp) return;
      // Gives the folder back, which the dead one still holds.
      await server.stop();
      server = await launch();
      target.port = portOf(server);
    },
  };
}
