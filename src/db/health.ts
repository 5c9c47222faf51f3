import type { Database } from './client.ts';
import { sql } from './drizzle.ts';
import { compareMigrations, knownMigrations } from './migrate.ts';

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
  const known = knownMigrations();
  return async () => {
    switch (await compareMigrations(db, known)) {
      case 'current':
        return { ok: true };
      case 'newer':
        return { ok: true, detail: 'tables of a newer version' };
      default:
        return { ok: false, detail: 'tables of an older version: restart' };
    }
  };
}
