import type { ExtractTablesWithRelations } from 'drizzle-orm';
import type { PgDatabase } from 'drizzle-orm/pg-core';
import type { PostgresJsDatabase, PostgresJsQueryResultHKT } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import type { Secret } from '../keys/secret.ts';
import { StartError } from '../start-error.ts';
import { drizzle, PostgresJsSession } from './drizzle.ts';
import { isDrizzleError, toDatabaseError } from './errors.ts';
import * as schema from './schema.ts';

export { DatabaseError, describeDatabaseError, isUniqueViolation } from './errors.ts';

export type Database = PostgresJsDatabase<typeof schema>;
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
/** Where a query runs: on the database, or inside a transaction. */
export type Queryable = PgDatabase<
  PostgresJsQueryResultHKT,
  typeof schema,
  ExtractTablesWithRelations<typeof schema>
>;

export interface DatabaseConnection {
  readonly db: Database;
  /**
   * Hears NOTIFY on a channel, over one connection of its own that reconnects by itself.
   * What is sent while it is away is lost: keep a slower way to notice.
   */
  listen(channel: string, handler: (payload: string) => void): Promise<() => Promise<void>>;
  /** Waits up to five seconds for running queries, then closes. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly url: Secret;
  /** Default 10. */
  readonly maxConnections?: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string;
}

/**
 * Connects, and makes sure that the connection works.
 *
 * Raw `db.execute` gives bigint as number, and times as PostgreSQL's text (drizzle's columns give
 * `Date`). Every failed query rejects with a `DatabaseError`, which holds no parameter.
 *
 * @throws StartError when the database can't be reached or refuses.
 */
export async function connectDatabase(options: ConnectOptions): Promise<DatabaseConnection> {
  const url = options.url.reveal();
  const client = openClient(url, options);
  const { host, database } = describeAddress(url);
  try {
    await waitUntilReady(client);
  } catch (error) {
    await client.end({ timeout: 0 });
    throw new StartError(`${explainRefusal(error, host, database)}. Check DATABASE_URL.`);
  }
  hardenSessions();
  return {
    db: drizzle(client, { schema }),
    async listen(channel, handler) {
      const { unlisten } = await client.listen(channel, handler);
      return unlisten;
    },
    close: () => client.end({ timeout: 5 }),
  };
}

function openClient(url: string, options: ConnectOptions): postgres.Sql {
  try {
    return postgres(url, {
      max: options.maxConnections ?? 10,
      connect_timeout: 10,
      connection: { application_name: options.applicationName ?? 'latchkey' },
      onnotice: () => undefined,
      types: {
        // Ids, counts and micro-dollars: all far below 2^53.
        bigint: { to: 20, from: [20], parse: Number, serialize: String },
      },
    });
  } catch {
    throw new StartError(
      'DATABASE_URL is not an address of PostgreSQL: it takes postgres://user:password@host:port/database.',
    );
  }
}

/** A server that has just been started refuses for a moment (57P03): that alone is waited for. */
async function waitUntilReady(client: postgres.Sql): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      await client`select 1`;
      return;
    } catch (error) {
      if (toDatabaseError(error).code !== '57P03' || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

function describeAddress(url: string): { host: string; database: string } {
  try {
    const { host, hostname, port, pathname, searchParams } = new URL(url);
    const name = searchParams.get('host') ?? (port === '' ? `${hostname}:5432` : host);
    return { host: name, database: decodeURIComponent(pathname.slice(1)) };
  } catch {
    return { host: 'the address given', database: '' };
  }
}

function explainRefusal(error: unknown, host: string, database: string): string {
  const { code, message } = toDatabaseError(error);
  switch (code) {
    case 'ECONNREFUSED':
      return `No PostgreSQL answers at ${host}`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The host of PostgreSQL at ${host} is not known`;
    case 'CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `PostgreSQL at ${host} can't be reached`;
    case '28P01':
      return `PostgreSQL at ${host} refuses the user name or password`;
    case '28000':
      return `PostgreSQL at ${host} does not let this user in from here`;
    case '3D000':
      return `PostgreSQL at ${host} has no database named ${database}`;
    case '53300':
      return `PostgreSQL at ${host} has no connection left`;
    default:
      return `PostgreSQL at ${host} does not work: ${message}`;
  }
}

let hardened = false;

/**
 * Two changes to how drizzle runs a query on postgres.js, in the one place that every query of
 * every (nested) transaction passes:
 * - failures leave as `DatabaseError`, because drizzle's error prints the parameters;
 * - statements are prepared once a connection, which saves a round trip and the planning of each
 *   later run; drizzle leaves that off. (`?prepare=false` in the URL, for poolers that can't, wins.)
 */
function hardenSessions(): void {
  if (hardened) return;
  hardened = true;
  const prototype = PostgresJsSession.prototype;
  prototype.prepareQuery = new Proxy(prototype.prepareQuery, {
    apply(prepareQuery, session, [query, fields, name, ...rest]) {
      const prepared = Reflect.apply(prepareQuery, session, [
        query,
        fields,
        name ?? 'prepared',
        ...rest,
      ]);
      const execute = prepared.execute.bind(prepared);
      prepared.execute = async (values?: Record<string, unknown>) => {
        try {
          return await execute(values);
        } catch (error) {
          throw isDrizzleError(error) ? toDatabaseError(error.cause, error.query) : error;
        }
      };
      return prepared;
    },
  });
}
