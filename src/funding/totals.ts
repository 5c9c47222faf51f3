/**
 * What the installation spends, for its operator: read from the ledger's reservations, which have a
 * row for each attempt at a turn, by the index on who paid and when. What is under way counts once
 * it is settled.
 */

import type { Database } from '../db/client.ts';
import { type SQL, sql } from '../db/drizzle.ts';
import { accountsOfUser } from '../users/accounts.ts';
import type { FundingKind } from './ledger.ts';

/** Of one day (UTC), one funding and one model. */
export interface Total {
  /** `2026-11-21` */
  readonly day: string;
  readonly funding: FundingKind;
  readonly provider: string;
  readonly model: string;
  /** Answered. */
  readonly turns: number;
  readonly tokens: number;
  readonly costMicros: number;
  /** Answered turns whose model has no known price: their cost is not in `costMicros`. */
  readonly unpricedTurns: number;
}

/** What one user cost in a window of time. */
export interface UserCost {
  readonly userId: number;
  /** `platform:ID` of all that are linked now. */
  readonly accounts: readonly string[];
  readonly turns: number;
  readonly costMicros: number;
  /** What of it others than the user paid. */
  readonly othersMicros: number;
  readonly byFunding: Readonly<Partial<Record<FundingKind, number>>>;
}

const DAY_MS = 86_400_000;

/** The beginning of a day (UTC), so that so many days are covered, today included. */
export function daysAgo(days: number, now = new Date()): Date {
  const today = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
  return new Date(today - (days - 1) * DAY_MS);
}

/** Settled reservations `r` since a moment, by the index on payer and time. */
function settledSince(since: Date): SQL {
  const at = sql`at >= ${since.toISOString()}::timestamptz and settled_at is not null`;
  return sql`(
    select * from reservations where funding = 'own' and funding_id is null and ${at}
    union all
    select * from reservations where funding = 'house' and funding_id is null and ${at}
    union all
    select * from reservations where funding in ('pool', 'credit') and ${at}) r`;
}

/** Those who were forgotten since are in it. Newest day first, then by cost. */
export async function totals(db: Database, since: Date): Promise<readonly Total[]> {
  const rows = await db.execute<Record<keyof Total, string> & { funding: FundingKind }>(sql`
    with parts as (
      select (r.at at time zone 'UTC')::date as day, r.funding, r.provider, r.model,
             count(*) filter (where r.answered) as turns, sum(r.tokens) as tokens,
             sum(r.settled_micros) as cost,
             count(*) filter (where r.answered and r.settled_micros = 0 and (
               select t.cost_micros is null from turns t where t.id = r.turn_id)) as unpriced
      from ${settledSince(since)} group by 1, 2, 3, 4
      union all
      select day, funding, coalesce(provider, ''), coalesce(model, ''), sum(turns),
             sum(input_tokens + output_tokens), sum(cost_micros), 0
      from forgotten_usage
      where day >= ${since.toISOString().slice(0, 10)}::date and funding is not null
      group by 1, 2, 3, 4
    )
    select day::text as day, funding, provider, model, sum(turns)::text as turns,
           sum(tokens)::text as tokens, sum(cost)::text as "costMicros",
           sum(unpriced)::text as "unpricedTurns"
    from parts group by parts.day, funding, provider, model
    order by parts.day desc, sum(cost) desc, sum(turns) desc, model`);
  return rows.map((row) => ({
    day: row.day,
    funding: row.funding,
    provider: row.provider,
    model: row.model,
    turns: Number(row.turns),
    tokens: Number(row.tokens),
    costMicros: Number(row.costMicros),
    unpricedTurns: Number(row.unpricedTurns),
  }));
}

/** First those who cost others most; of the rest, those who paid most themselves. */
export async function mostExpensive(
  db: Database,
  since: Date,
  most = 10,
): Promise<readonly UserCost[]> {
  const rows = await db.execute<{
    userId: string;
    accounts: string | null;
    turns: string;
    cost: string;
    others: string;
    byFunding: Partial<Record<FundingKind, number>>;
  }>(sql`
    with spent as (
      select r.user_id, r.funding, sum(r.settled_micros) as cost,
             count(*) filter (where r.answered) as turns
      from ${settledSince(since)} group by 1, 2
    ), ranked as (
      select user_id, sum(turns) as turns, sum(cost) as cost,
             coalesce(sum(cost) filter (where funding <> 'own'), 0) as others,
             jsonb_object_agg(funding, cost) as by_funding
      from spent group by user_id having sum(turns) > 0 or sum(cost) > 0
      order by others desc, cost desc, user_id limit ${most}::int
    )
    select user_id::text as "userId", turns::text, cost::text, others::text,
           by_funding as "byFunding",
           ${accountsOfUser(sql`ranked.user_id`)} as accounts
    from ranked order by ranked.others desc, ranked.cost desc, user_id`);
  return rows.map((row) => ({
    userId: Number(row.userId),
    accounts: row.accounts?.split(' ') ?? [],
    turns: Number(row.turns),
    costMicros: Number(row.cost),
    othersMicros: Number(row.others),
    byFunding: row.byFunding,
  }));
}

export interface Sum {
  readonly name: string;
  readonly turns: number;
  readonly tokens: number;
  readonly costMicros: number;
  readonly unpricedTurns: number;
}

/** Adds totals up, under the names that `nameOf` gives; in the order of their first. */
export function sumBy(rows: readonly Total[], nameOf: (row: Total) => string): readonly Sum[] {
  const sums = new Map<string, Sum>();
  for (const row of rows) {
    const name = nameOf(row);
    const sum = sums.get(name);
    sums.set(name, {
      name,
      turns: (sum?.turns ?? 0) + row.turns,
      tokens: (sum?.tokens ?? 0) + row.tokens,
      costMicros: (sum?.costMicros ?? 0) + row.costMicros,
      unpricedTurns: (sum?.unpricedTurns ?? 0) + row.unpricedTurns,
    });
  }
  return [...sums.values()];
}
