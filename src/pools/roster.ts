/** Who spends what in a pool, for its owner. */

import type { Database } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';
import { budgetStates } from '../funding/budgets.ts';
import { csvOf } from './csv.ts';
import type { PoolMembers } from './members.ts';
import { budgetsOfMembers, type Member, poolTotal } from './pool-budgets.ts';
import type { Pool } from './pools.ts';

export interface RosterRow {
  readonly memberId: number;
  /** As they, or the owner, named them; guests have none. */
  readonly name: string | undefined;
  readonly state: 'member' | 'guest' | 'left' | 'removed';
  readonly joinedAt: Date;
  /** In the open month, spent and reserved. */
  readonly monthMicros: number;
  readonly monthLimitMicros: number | null;
  readonly totalMicros: number;
  readonly turns: number;
  /** What moderation found, within the days that it remembers. */
  readonly flags: number;
}

export interface Roster {
  readonly rows: readonly RosterRow[];
  /** Of the pool, spent and reserved. */
  readonly totalMicros: number;
}

export interface RosterMember extends Member {
  readonly state: RosterRow['state'];
  /** Sealed. */
  readonly name: Uint8Array | null;
  readonly turns: number;
  /** Spent and reserved. */
  readonly totalMicros: number;
  readonly flags: number;
}

/** Who is in a pool, or has spent in it: those first who joined first. */
export async function rosterMembers(db: Database, pool: Pool): Promise<readonly RosterMember[]> {
  const found = await db.execute<{
    id: number;
    state: RosterRow['state'];
    name: Uint8Array | null;
    joined: number;
    turns: number;
    spent: number;
    flags: number;
  }>(sql`
    with spent as (
      select b.holder_id, sum(b.turns)::int as turns,
             sum(b.spent_micros + b.reserved_micros - coalesce(e.micros, 0))::bigint as micros
      from budgets b left join lateral (
        select sum(micros) as micros from budget_entries
        where budget_id = b.id and kind = 'adjust' and reason = 'reset'
      ) e on true
      where b.holder_kind = 'member' and b.period = 'month'
        and b.holder_id like ${`${pool.id}:%`}
      group by b.holder_id
    )
    select m.id, m.state, m.name, (extract(epoch from m.joined_at) * 1000)::bigint as joined,
           coalesce(s.turns, 0) as turns, coalesce(s.micros, 0)::bigint as spent,
           (select count(*)::int from moderation_log l where l.user_id = m.user_id
              and l.pool_id = m.pool_id and l.action = 'flagged') as flags
    from pool_members m left join spent s on s.holder_id = m.pool_id || ':' || m.id
    where m.pool_id = ${pool.id} and (m.state in ('member', 'removed') or s.micros > 0)
    order by m.joined_at, m.id`);
  return found.map(({ id, joined, spent, ...row }) => ({
    ...row,
    poolId: pool.id,
    memberId: id,
    joinedAt: new Date(joined),
    settings: pool.settings,
    totalMicros: spent,
  }));
}

export async function readRoster(
  { db, members }: { readonly db: Database; readonly members: Pick<PoolMembers, 'nameOf'> },
  pool: Pool,
  now: Date,
): Promise<Roster> {
  const found = await rosterMembers(db, pool);
  const budgets = await budgetsOfMembers(db, pool.settings, found, now);
  const rows: RosterRow[] = [];
  for (const [nth, member] of found.entries()) {
    const { memberId, name, state, joinedAt, totalMicros, turns, flags } = member;
    const month = budgets[nth]?.find(({ period }) => period === 'month');
    rows.push({
      memberId,
      name: await members.nameOf(pool, name),
      state,
      joinedAt,
      monthMicros: month?.usedMicros ?? 0,
      monthLimitMicros: month?.limitMicros ?? null,
      totalMicros,
      turns,
      flags,
    });
  }
  const [total] = await budgetStates(db, [poolTotal(pool.id)]);
  return { rows, totalMicros: total === undefined ? 0 : total.spentMicros + total.reservedMicros };
}

/** Amounts in dollars. */
export function rosterCsv({ rows }: Roster): Uint8Array {
  const usd = (micros: number | null) => (micros === null ? '' : (micros / 1_000_000).toFixed(6));
  return csvOf(
    rows.map((row) => ({
      number: row.memberId,
      name: row.name ?? '',
      state: row.state,
      joined: row.joinedAt.toISOString(),
      month_usd: usd(row.monthMicros),
      month_limit_usd: usd(row.monthLimitMicros),
      total_usd: usd(row.totalMicros),
      questions: row.turns,
      flags: row.flags,
    })),
  );
}
