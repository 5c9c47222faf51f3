/** What a user's turns have cost day by day (UTC), for the picture of /usage. */

import type { Database } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';
import { hasCounted, type UsageSum } from './usage.ts';

export interface DailyUsage {
  /** `2026-11-21` */
  readonly day: string;
  readonly funding: UsageSum['funding'];
  readonly turns: number;
  readonly costMicros: number;
}

/** Days without an answer have no row. Those of all identities that are linked now, as `usageSince`. */
export async function dailyUsage(
  db: Database,
  userId: number,
  since: Date,
): Promise<readonly DailyUsage[]> {
  const rows = await db.execute<{
    day: string;
    funding: UsageSum['funding'];
    turns: number;
    cost: number;
  }>(sql`
    with own as (
      select ${userId}::bigint as id union all
      select own_user_id from identities where user_id = ${userId} and own_user_id is not null
    )
    select to_char(coalesce(finished_at, answered_at) at time zone 'UTC', 'YYYY-MM-DD') as day,
           funding, count(*)::int as turns, coalesce(sum(cost_micros), 0)::bigint as cost
    from turns
    where ((owner_id is null and user_id in (select id from own)) or owner_id in (select id from own))
      and (finished_at >= ${since.toISOString()}::timestamptz
           or (finished_at is null and answered_at >= ${since.toISOString()}::timestamptz))
      and ${hasCounted()} and funding is not null
    group by 1, 2`);
  return rows.map(({ day, funding, turns, cost }) => ({
    day,
    funding,
    turns,
    costMicros: Number(cost),
  }));
}
