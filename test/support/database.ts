import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { inject } from 'vitest';
import { connectDatabase, type DatabaseConnection } from '../../src/db/client.ts';
import { Secret } from '../../src/secret.ts';

export interface TestDatabase extends DatabaseConnection {
  /** For what connects by itself, such as BullMQ's backend or a process of its own. */
  readonly url: Secret;
  /** Closes the connection and drops the database, whoever else is still connected. */
  close(): Promise<void>;
}

interface TestDatabaseOptions {
  readonly maxConnections?: number;
}

/** A database of the caller's own with all tables and no rows, copied from the run's template. */
export function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  return create(new URL(inject('postgresUrl')).pathname.slice(1), options);
}

/** A database of the caller's own without any table. */
export function createEmptyDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  return create('template1', options);
}

async function create(template: string, options: TestDatabaseOptions): Promise<TestDatabase> {
  const server = new URL(inject('postgresUrl'));
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  // Copied as files: through the write-ahead log, which is the default, takes thrice as long.
  await run(server, `create database ${name} template ${template} strategy file_copy`);
  const own = new URL(server);
  own.pathname = `/${name}`;
  const url = new Secret(own.href);
  const connection = await connectDatabase({ url, applicationName: 'test', ...options });
  return {
    ...connection,
    url,
    async close() {
      await connection.close();
      await run(server, `drop database ${name} with (force)`);
    },
  };
}

async function run(server: URL, statement: string): Promise<void> {
  const maintenance = new URL(server);
  maintenance.pathname = '/postgres';
  const client = postgres(maintenance.href, { max: 1, onnotice: () => undefined });
  try {
    await client.unsafe(statement);
  } finally {
    await client.end({ timeout: 5 });
  }
}
