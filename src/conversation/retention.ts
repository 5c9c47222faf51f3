/** Deletes what is no longer to be kept. */

import type { Database } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';

/** How often, in milliseconds. */
export const RETENTION_EVERY_MS = 10 * 60_000;

/** One round's share: a long backlog must not hold locks for long. */
const BATCH = 5_000;

/**
 * Clears the words of turns that ended before `historyDays` (what they cost stays), and what
 * recognises redelivery of messages that no platform sends again.
 * @returns how many turns were cleared
 */
export async function clearOldWords(db: Database, historyDays: number): Promise<number> {
  const before = sql`now() - ${historyDays}::int * interval '1 day'`;
  const cleared = await db.execute(sql`
    update turns set input = ''::bytea, answer = null
    where id in (select id from turns
                 where finished_at < ${before} and octet_length(input) > 0 limit ${BATCH})
    returning id`);
  await db.execute(sql`
    delete from inbox where ctid in (select ctid from inbox
                 where received_at < ${before} and received_at < now() - interval '2 days'
                 limit ${BATCH})`);
  return cleared.length;
}
