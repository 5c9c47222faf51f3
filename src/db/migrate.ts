import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Secret } from '../secret.ts';
import { StartError } from '../start-error.ts';
import type { Database } from './client.ts';
import { openConnection } from './connection.ts';
import { readMigrationFiles, sql } from './drizzle.ts';
import { toDatabaseError } from './errors.ts';
import { transact } from './transaction.ts';

/** Held while migrations run, so that processes that start together take turns. Any number will do. */
const MIGRATION_LOCK = 7_204_118_355;

/** Where drizzle-kit writes them. */
const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../drizzle', import.meta.url));

export interface MigrateOptions {
  readonly url: Secret;
  /** Hears what is done, if something has to be done. */
  readonly onStep?: (sentence: string) => void;
  /** Default: the project's `drizzle` folder. */
  readonly folder?: string;
  /** By their hashes: those that made the tables of a backup. Default: all. */
  readonly only?: readonly string[];
}

/** The hashes of the migrations that this code has. */
export function knownMigrations(): readonly string[] {
  return readMigrationFiles({ migrationsFolder: MIGRATIONS_FOLDER }).map(({ hash }) => hash);
}

/** Whether the tables are as this code needs them. `newer`: a newer version has added to them. */
export async function compareMigrations(
  db: Database,
  known: readonly string[],
): Promise<'current' | 'newer' | 'missing' | 'none'> {
  const rows = await db.execute<{ hash: string }>(
    sql`select hash from drizzle.__drizzle_migrations`,
  );
  const applied = new Set(rows.map(({ hash }) => hash));
  if (known.some((hash) => !applied.has(hash))) return applied.size === 0 ? 'none' : 'missing';
  return applied.size > known.length ? 'newer' : 'current';
}

const appliedSchema = z.array(z.object({ hash: z.string(), created_at: z.number() }));
type AppliedMigration = z.infer<typeof appliedSchema>[number];

/**
 * Brings the tables up to this code, all or nothing. The bookkeeping is drizzle's own
 * (`drizzle.__drizzle_migrations`), so that drizzle-kit understands the database too.
 *
 * @throws StartError when the database was made by a newer Latchkey, or by something else.
 */
export async function migrateDatabase(options: MigrateOptions): Promise<void> {
  const { only } = options;
  const known = readMigrationFiles({ migrationsFolder: options.folder ?? MIGRATIONS_FOLDER });
  const session = await openConnection({ url: options.url, applicationName: 'latchkey-migrate' });
  try {
    await transact(session, async (tx) => {
      await tx.run({ text: `select pg_advisory_xact_lock(${MIGRATION_LOCK})` });
      await tx.run({ text: 'create schema if not exists drizzle' });
      await tx.run({
        text: `create table if not exists drizzle.__drizzle_migrations
          (id serial primary key, hash text not null, created_at bigint)`,
      });
      const applied = appliedSchema.parse(
        await tx.run({
          text: 'select hash, created_at from drizzle.__drizzle_migrations order by created_at',
        }),
      );
      refuseForeignHistory(applied, known);
      const missing = known.filter(
        ({ hash }) =>
          !applied.some((row) => row.hash === hash) && (only === undefined || only.includes(hash)),
      );
      if (missing.length > 0) {
        options.onStep?.(applied.length === 0 ? 'Creating the tables…' : 'Updating the tables…');
      }
      for (const { sql: statements, hash, folderMillis } of missing) {
        for (const text of statements) await tx.run({ text });
        await tx.run({
          text: 'insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)',
          params: [hash, folderMillis],
        });
      }
    });
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(
      `The database's tables could not be made or brought up to date: ${toDatabaseError(error).message}`,
    );
  } finally {
    await session.close();
  }
}

function refuseForeignHistory(
  applied: readonly AppliedMigration[],
  known: readonly { hash: string; folderMillis: number }[],
): void {
  const foreign = applied.filter((row) => !known.some(({ hash }) => hash === row.hash));
  if (foreign.length === 0) return;
  const newest = Math.max(0, ...known.map(({ folderMillis }) => folderMillis));
  throw new StartError(
    foreign.some((row) => row.created_at > newest)
      ? 'The database was made by a newer Latchkey: update this one, or give it a database of its own.'
      : "The database's tables are not those of this Latchkey: they were made by a version that was never released. Give it an empty database.",
  );
}
