/** Replaces reservations with what they cost, as parts of a statement. */

import { type SQL, sql } from '../db/drizzle.ts';
import type { Place } from '../db/statement.ts';

/** What an attempt at a turn cost in the end. */
export interface Settlement {
  readonly turnId: number;
  readonly attempt: number;
  readonly spentMicros: number;
  /** False gives the turn back, and the money of those budgets that pay for answers only. */
  readonly answered: boolean;
  /** Those that were used; undefined: as they were estimated. */
  readonly tokens?: number | undefined;
}

/** With its moment, as a statement takes it. */
export interface DatedSettlement extends Omit<Settlement, 'tokens'> {
  readonly tokens: number | null;
  /** ISO */
  readonly at: string;
}

/** Settles a {@link DatedSettlement}, beside a table expression `stored` that has a row. */
export function settleStored(place: Place<DatedSettlement>): SQL {
  return settleMany(
    sql`r.turn_id = ${place('turnId')} and r.attempt = ${place('attempt')}
        and exists (select from stored)`,
    {
      micros: sql`${place('spentMicros')}::bigint`,
      answered: sql`${place('answered')}::boolean`,
      tokens: sql`coalesce(${place('tokens')}::bigint, r.tokens)`,
    },
    sql`${place('at')}::timestamptz`,
  );
}

/**
 * Settles those reservations `r` that are open. Exactly the budgets that they are held in change,
 * whatever the limits are by now.
 * @returns common table expressions, of which `settled` has a row for each, and `settled_budgets`
 * the budgets as they are by then
 */
export function settleMany(
  rows: SQL,
  {
    micros,
    answered,
    tokens,
  }: { readonly micros: SQL; readonly answered: SQL; readonly tokens?: SQL },
  at: SQL = sql`now()`,
): SQL {
  return sql`
    settled as (
      update reservations r set settled_at = ${at},
             settled_micros = greatest(0, least(${micros}, r.amount_micros)), answered = ${answered},
             tokens = ${tokens ?? sql`r.tokens`}
      where r.settled_at is null and ${rows}
      returning r.amount_micros, r.settled_micros, r.answered, r.spent_budgets, r.answered_budgets
    ), settled_charges as (
      select held.id, sum(s.amount_micros)::bigint as amount,
             sum(case when held.pays then s.settled_micros else 0 end)::bigint as micros,
             (count(*) filter (where not s.answered))::int as given_back
      from settled s cross join lateral (
        select unnest(s.spent_budgets) as id, true as pays
        union all select unnest(s.answered_budgets), s.answered
      ) held group by held.id
    ), settled_locked as materialized (
      select b.id from settled_charges c join budgets b on b.id = c.id
      order by b.id for no key update of b
    ), settled_budgets as (
      update budgets b set reserved_micros = b.reserved_micros - c.amount,
             spent_micros = b.spent_micros + c.micros, turns = b.turns - c.given_back
      from settled_charges c join settled_locked l on l.id = c.id where b.id = c.id
      returning b.holder_kind, b.holder_id, b.starts, b.spent_micros
    )`;
}
