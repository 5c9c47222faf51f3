/** After a restore: what was open when the backup was made is not answered, after hours or days. */

import type { Database } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';
import type { Ledger } from '../funding/ledger.ts';

/** More than any turn has. */
const ALL_ATTEMPTS = 1_000_000_000;

/**
 * Cancels open turns, empties the mailboxes, settles what was reserved, and counts commands that
 * were being carried out as done. To be called before anything else uses the restored database.
 * @returns how many turns were cancelled
 */
export async function cancelOpenTurns({
  db,
  ledger,
}: {
  readonly db: Database;
  readonly ledger: Pick<Ledger, 'settleLost'>;
}): Promise<number> {
  const unsettled = await db.execute<{ id: number; called: boolean }>(sql`
    select id, called_at is not null as called from turns
    where id in (select turn_id from reservations where settled_at is null)`);
  for (const { id, called } of unsettled) {
    await ledger.settleLost({ turnId: id, attempt: ALL_ATTEMPTS }, called);
  }
  return db.transaction(async (tx) => {
    const cancelled = await tx.execute(sql`
      update turns set status = 'cancelled', cancel_reason = 'restored', finished_at = now(),
             worker = null, lease_until = null
      where status in ('queued', 'running') returning id`);
    await tx.execute(sql`update mailbox set open = 0 where open <> 0`);
    await tx.execute(sql`
      update inbox set handled_at = now() where outcome in ('command', 'key') and handled_at is null`);
    return cancelled.length;
  });
}
