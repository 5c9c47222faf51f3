/** What the operator should know of the database, for the doctor. */

import type { Database } from './client.ts';
import { sql } from './drizzle.ts';
import { compareMigrations, knownMigrations } from './migrate.ts';

export interface DatabaseFacts {
  /** Such as 18. */
  readonly version: number;
  readonly encrypted: boolean;
  readonly mayCreate: boolean;
  readonly connections: { readonly used: number; readonly most: number };
  readonly migrations: Awaited<ReturnType<typeof compareMigrations>>;
  /** By how much this machine's clock is ahead of the database's, in milliseconds. */
  readonly aheadMs: number;
  readonly bytes: number;
}

/** @throws DatabaseError */
export async function inspectDatabase(db: Database): Promise<DatabaseFacts> {
  const begun = Date.now();
  const [row] = await db.execute<{
    version: number;
    encrypted: boolean;
    may_create: boolean;
    used: number;
    most: number;
    now: number;
    bytes: number;
    migrated: boolean;
  }>(sql`
    select current_setting('server_version_num')::int / 10000 as version,
           coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as encrypted,
           has_database_privilege(current_database(), 'create')
             and has_schema_privilege('public', 'create') as may_create,
           (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as used,
           current_setting('max_connections')::int as most,
           extract(epoch from clock_timestamp())::float8 * 1000 as now,
           pg_database_size(current_database())::float8 as bytes,
           to_regclass('drizzle.__drizzle_migrations') is not null as migrated`);
  if (row === undefined) throw new Error('a select without a row');
  return {
    version: row.version,
    encrypted: row.encrypted,
    mayCreate: row.may_create,
    connections: { used: row.used, most: row.most },
    migrations: row.migrated ? await compareMigrations(db, knownMigrations()) : 'none',
    aheadMs: (begun + Date.now()) / 2 - row.now,
    bytes: row.bytes,
  };
}
