/** How fast a pool's key is used: requests and tokens of the last minute, read from the ledger. */

import type { Queryable } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';

const MINUTE_MS = 60_000;

export interface PoolPace {
  readonly poolId: number;
  readonly model: string;
  /** A minute, of all members together; null: as many as there are. */
  readonly requests: number | null;
  readonly tokens: number | null;
}

/**
 * How long until a turn of so many tokens keeps the pace, in milliseconds; 0: it may go now. A turn
 * of more tokens than a minute has goes when nothing else did for a minute. Turns that ask at the
 * very same moment may pass together: it is a pace, not a budget.
 */
export async function paceWaitMs(
  db: Queryable,
  { poolId, model, requests, tokens }: PoolPace,
  wanted: number,
  now: Date,
): Promise<number> {
  if (requests === null && tokens === null) return 0;
  const since = new Date(now.getTime() - MINUTE_MS).toISOString();
  const recent = await db.execute<{ at: number; tokens: number }>(sql`
    select (extract(epoch from at) * 1000)::bigint as at, tokens from reservations
    where funding = 'pool' and funding_id = ${poolId}::bigint and model = ${model}
      and at > ${since}::timestamptz and not (settled_at is not null and not answered)
    order by at desc`);
  let sum = 0;
  for (const [nth, one] of recent.entries()) {
    sum += one.tokens;
    const tooMany = requests !== null && nth + 1 >= requests;
    // This one and all before it have to be a minute old.
    if (tooMany || (tokens !== null && sum + wanted > tokens)) {
      return Math.max(1, Math.ceil(one.at + MINUTE_MS - now.getTime()));
    }
  }
  return 0;
}
