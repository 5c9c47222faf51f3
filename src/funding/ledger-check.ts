/**
 * Compares the sums of the budgets with the rows that they are made of: a budget is what its
 * reservations hold or cost, and its entries. What differs is told and never mended in silence.
 */

import type { Queryable } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';

export interface Difference {
  readonly budgetId: number;
  readonly holder: string;
  readonly period: string;
  /** What stands there less what the rows say; money in micros. */
  readonly turns: number;
  readonly spentMicros: number;
  readonly reservedMicros: number;
  readonly grantedMicros: number;
}

/** One statement, which sees everything at one moment: a turn under way makes no difference. */
export async function ledgerDifferences(db: Queryable): Promise<readonly Difference[]> {
  const found = await db.execute<{
    id: number;
    holder: string;
    period: string;
    turns: number;
    spent: number;
    reserved: number;
    granted: number;
  }>(sql`
    with held as (
      select held.id, count(*) filter (where r.settled_at is null or r.answered) as turns,
             sum(case when held.pays then r.settled_micros else 0 end) as spent,
             sum(case when r.settled_at is null then r.amount_micros else 0 end) as reserved
      from reservations r cross join lateral (
        select unnest(r.spent_budgets) as id, r.settled_at is not null as pays
        union all select unnest(r.answered_budgets), coalesce(r.answered, false)
      ) held group by held.id
    ), entries as (
      select budget_id as id, sum(turns) as turns,
             sum(micros) filter (where kind = 'adjust') as spent,
             sum(micros) filter (where kind = 'grant') as granted
      from budget_entries group by budget_id
    ), compared as (
      select b.id, rtrim(b.holder_kind || ' ' || b.holder_id) as holder, b.period,
             b.turns - coalesce(h.turns, 0) - coalesce(e.turns, 0) as turns,
             b.spent_micros - coalesce(h.spent, 0) - coalesce(e.spent, 0) as spent,
             b.reserved_micros - coalesce(h.reserved, 0) as reserved,
             b.granted_micros - coalesce(e.granted, 0) as granted
      from budgets b left join held h on h.id = b.id left join entries e on e.id = b.id
    )
    select id, holder, period, turns::int as turns, spent::bigint as spent,
           reserved::bigint as reserved, granted::bigint as granted
    from compared where turns <> 0 or spent <> 0 or reserved <> 0 or granted <> 0
    order by id limit 100`);
  return found.map((row) => ({
    budgetId: row.id,
    holder: row.holder,
    period: row.period,
    turns: row.turns,
    spentMicros: row.spent,
    reservedMicros: row.reserved,
    grantedMicros: row.granted,
  }));
}

/** How often all is compared, in milliseconds: it reads every reservation. */
const EVERY_MS = 24 * 3_600_000;
const LAST_CHECK = 'ledger-checked';

/** Compares once a day, whichever process comes first. @param tell hears of differences only */
export async function checkLedger(
  db: Queryable,
  tell: (differences: readonly Difference[]) => void,
  everyMs = EVERY_MS,
): Promise<void> {
  const due = await db.execute(sql`
    insert into installation (name, value) values (${LAST_CHECK}, to_jsonb(now()))
    on conflict (name) do update set value = excluded.value
      where (installation.value #>> '{}')::timestamptz
            <= now() - ${everyMs}::bigint * interval '1 ms'
    returning name`);
  if (due.length === 0) return;
  const differences = await ledgerDifferences(db);
  if (differences.length > 0) tell(differences);
}
