/** What was flagged lately, for the operator, without any words. */

import type { Database } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';
import { accountsOfUser } from '../users/accounts.ts';

export interface Flagged {
  readonly id: number;
  readonly at: Date;
  /** Null once the user was forgotten. */
  readonly userId: number | null;
  /** `platform:ID` of all that are linked; empty once the user was forgotten. */
  readonly accounts: readonly string[];
  readonly direction: 'input' | 'output';
  readonly categories: readonly string[];
  readonly consequence: 'warning' | 'pause' | 'suspension' | null;
}

/** Newest first. The time is bounded, so that the index on it is read no further. */
export async function newestFlagged(
  db: Database,
  since: Date,
  most = 10,
): Promise<readonly Flagged[]> {
  const rows = await db.execute<{
    id: string;
    at: string;
    userId: number | null;
    accounts: string | null;
    direction: Flagged['direction'];
    categories: string[];
    consequence: Flagged['consequence'];
  }>(sql`
    with newest as (
      select * from moderation_log
      where at >= ${since.toISOString()}::timestamptz and action = 'flagged'
      order by at desc limit ${most}::int
    )
    select id::text, (extract(epoch from at) * 1000)::bigint::text as at, direction,
           n.user_id as "userId",
           to_jsonb(categories) as categories, consequence,
           case when n.user_id is not null then ${accountsOfUser(sql`n.user_id`)} end as accounts
    from newest n order by n.at desc, n.id desc`);
  return rows.map(({ id, at, accounts, ...row }) => ({
    ...row,
    id: Number(id),
    at: new Date(Number(at)),
    accounts: accounts?.split(' ') ?? [],
  }));
}

/** How often something was flagged since. */
export async function countFlagged(db: Database, since: Date): Promise<number> {
  const [row] = await db.execute<{ n: number }>(sql`
    select count(*)::int as n from moderation_log
    where at >= ${since.toISOString()}::timestamptz and action = 'flagged'`);
  return row?.n ?? 0;
}
