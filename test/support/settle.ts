import type { Database } from '../../src/db/client.ts';
import { type SQL, sql } from '../../src/db/drizzle.ts';

/** Lets a settlement take effect by itself, as it does beside the answer that is stored. */
export async function settleAlone(db: Database, settlement: SQL): Promise<void> {
  await db.execute(sql`with stored as (select 1), ${settlement} select from stored`);
}
