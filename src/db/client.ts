import type { ExtractTablesWithRelations } from 'drizzle-orm';
import type { PgDatabase } from 'drizzle-orm/pg-core';
import type { PostgresJsDatabase, PostgresJsQueryResultHKT } from 'drizzle-orm/postgres-js';
import {
  type ConnectOptions,
  createClient,
  explainedRefusal,
  sessionOptions,
} from './connection.ts';
import { drizzle, PostgresJsSession } from './drizzle.ts';
import { onPool } from './drizzle-client.ts';
import { isDrizzleError, toDatabaseError } from './errors.ts';
import { createListener } from './listener.ts';
import { createPool } from './pool.ts';
import * as schema from './schema.ts';
import { openSession } from './session.ts';

export type { ConnectOptions } from './connection.ts';
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

/**
 * Connects, and makes sure that the connection works.
 *
 * Raw `db.execute` gives bigint as number, and times as PostgreSQL's text (drizzle's columns give
 * `Date`). Every failed query rejects with a `DatabaseError`, which holds no parameter.
 *
 * @throws StartError when the database can't be reached or refuses.
 */
export async function connectDatabase(options: ConnectOptions): Promise<DatabaseConnection> {
  const client = createClient(options);
  const address = sessionOptions(options);
  const pool = createPool({
    // drizzle changes how some types are read and written.
    open: () => openSession({ ...address, types: client.options }),
    max: options.maxConnections ?? 10,
  });
  const db = drizzle(onPool(client, pool), { schema });
  await explainedRefusal(options, () => pool.use(async () => undefined));
  const listener = createListener((onNotify) => openSession({ ...address, onNotify }));
  hardenSessions();
  return {
    db,
    listen: (channel, handler) => listener.listen(channel, handler),
    async close() {
      await Promise.all([listener.close(), pool.close(5_000)]);
    },
  };
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
