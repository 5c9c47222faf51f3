/** Replaces reservations with what they cost, as parts of a statement. */

import { type SQL, sql } from '../db/drizzle.ts';

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

/** `Ledger.settlement`, for those who have no ledger at hand. */
export function settlementOf(what: Settlement, at: Date, given?: 'stored'): SQL {
  const rows = sql`r.turn_id = ${what.turnId} and r.attempt = ${what.attempt}
    ${given === undefined ? sql`` : sql`and exists (select from ${sql.raw(given)})`}`;
  return settleMany(
    rows,
    {
      micros: sql`${what.spentMicros}::bigint`,
      answered: sql`${what.answered}::boolean`,
      ...(what.tokens === undefined ? {} : { tokens: sql`${what.tokens}::bigint` }),
    },
    at,
  );
}

/**
 * Settles those reservations `r` that are open. Exactly the budgets that they are held in change,
 * whatever the limits are by now.
 * @returns common table expressions, of which `settled` has a row for each
 */
export function settleMany(
  rows: SQL,
  {
    micros,
    answered,
    tokens,
  }: { readonly micros: SQL; readonly answered: SQL; readonly tokens?: SQL },
  at: Date,
): SQL {
  return sql`
    settled as (
      update reservations r set settled_at = ${at.toISOString()}::timestamptz,
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
    )`;
}
