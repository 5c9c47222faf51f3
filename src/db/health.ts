import type { Database } from './client.ts';
import { readMigrationFiles, sql } from './drizzle.ts';
import { MIGRATIONS_FOLDER } from './migrate.ts';

interface DatabaseHealth {
  readonly ok: boolean;
  readonly detail?: string;
}

/** @throws whatever the query fails with */
export async function databaseAnswers(db: Database): Promise<DatabaseHealth> {
  await db.execute(sql`select 1`);
  return { ok: true };
}

/**
 * Whether the tables are still as this code needs them: a backup of an older version may have been
 * restored below it. That a newer version has added to them is no fault.
 */
export function createMigrationsProbe(db: Database): () => Promise<DatabaseHealth> {
  const known = readMigrationFiles({ migrationsFolder: MIGRATIONS_FOLDER }).map(({ hash }) => hash);
  return async () => {
    const rows = await db.execute<{ hash: string }>(
      sql`select hash from drizzle.__drizzle_migrations`,
    );
    const applied = new Set(rows.map(({ hash }) => hash));
    const missing = known.filter((hash) => !applied.has(hash)).length;
    if (missing > 0) return { ok: false, detail: 'tables of an older version: restart' };
    return applied.size > known.length
      ? { ok: true, detail: 'tables of a newer version' }
      : { ok: true };
  };
}
