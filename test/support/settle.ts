import type { Database } from '../../src/db/client.ts';
import { sql } from '../../src/db/drizzle.ts';
import { builtOnce } from '../../src/db/statement.ts';
import { type DatedSettlement, settleStored } from '../../src/funding/settlement.ts';

const SETTLE = builtOnce<DatedSettlement, object>(
  (place) => sql`with stored as (select 1), ${settleStored(place)} select from stored`,
);

/** Lets a settlement take effect by itself, as it does beside the answer that is stored. */
export async function settleAlone(db: Database, settlement: DatedSettlement): Promise<void> {
  await SETTLE(db, settlement);
}
