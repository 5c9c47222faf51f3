import type { Transaction } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';

/**
 * Until the transaction ends, no other that locks the same matter of the same user runs, in any
 * process. Unlike a lock of the user's row, it holds up nothing else of theirs.
 */
export async function lockForUser(tx: Transaction, matter: string, userId: number): Promise<void> {
  await tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`${matter}:${userId}`}, 0))`,
  );
}
