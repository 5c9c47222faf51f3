import type { Database } from './client.ts';
import { sql } from './drizzle.ts';

/** Whether the database answers, in the form of `/readyz`. Never throws. */
export async function databaseHealth(db: Database) {
  const ok = await db.execute(sql`select 1`).then(
    () => true,
    () => false,
  );
  return { ok, parts: { database: { ok } } };
}
