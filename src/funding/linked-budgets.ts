/**
 * What was used when users are joined and separated: never more is free than before. Neither side has
 * open turns.
 */

import type { Transaction } from '../db/client.ts';
import { type SQL, sql } from '../db/drizzle.ts';

/** The kinds of budgets that follow their person. */
const THEIRS = sql`('user', 'own')`;

/**
 * What both have used in a window is what the joined user has used. What they used together earlier
 * in it, and has been counted on both since, counts once. The lower limit on own keys holds.
 */
export async function joinBudgets(tx: Transaction, from: number, to: number): Promise<void> {
  const once = (what: 'turns' | 'micros') => sql`case
    when mine.shared_with = ${from}::bigint then mine.shared_${sql.raw(what)}
    when theirs.shared_with = ${to}::bigint then theirs.shared_${sql.raw(what)} else 0 end`;
  await change(
    tx,
    from,
    to,
    sql`turns = greatest(0, mine.turns + theirs.turns - ${once('turns')}),
        spent_micros = greatest(0, mine.spent_micros + theirs.spent_micros - ${once('micros')}),
        shared_with = null, shared_turns = 0, shared_micros = 0`,
    'joined',
  );
  // least() passes over null: no limit.
  await tx.execute(sql`
    insert into own_limits as l (user_id, day_limit_micros, month_limit_micros)
    select ${to}::bigint, day_limit_micros, month_limit_micros from own_limits
    where user_id = ${from}
    on conflict (user_id) do update set
      day_limit_micros = least(l.day_limit_micros, excluded.day_limit_micros),
      month_limit_micros = least(l.month_limit_micros, excluded.month_limit_micros)`);
}

/** What was used together stays counted on the side that leaves as well; so do the joint limits. */
export async function copyBudgets(tx: Transaction, from: number, to: number): Promise<void> {
  await change(
    tx,
    from,
    to,
    sql`turns = theirs.turns, spent_micros = theirs.spent_micros,
        shared_with = ${from}::bigint, shared_turns = theirs.turns,
        shared_micros = theirs.spent_micros`,
    'separated',
  );
  await tx.execute(sql`
    insert into own_limits (user_id, day_limit_micros, month_limit_micros)
    select ${to}::bigint, day_limit_micros, month_limit_micros from own_limits
    where user_id = ${from}
    on conflict (user_id) do update set day_limit_micros = excluded.day_limit_micros,
      month_limit_micros = excluded.month_limit_micros`);
}

/** @param set of the row `mine` of `to`, by the row `theirs` of `from`; each change is an entry */
async function change(
  tx: Transaction,
  from: number,
  to: number,
  set: SQL,
  reason: 'joined' | 'separated',
): Promise<void> {
  await tx.execute(sql`
    insert into budgets (holder_kind, holder_id, user_id, period, starts)
    select holder_kind, ${to}::bigint::text, ${to}::bigint, period, starts
    from budgets where user_id = ${from} and holder_kind in ${THEIRS}
    order by holder_kind, period, starts
    on conflict do nothing`);
  await tx.execute(sql`
    with old as materialized (
      select * from budgets where user_id in (${from}, ${to}) and holder_kind in ${THEIRS}
      order by id for no key update
    ), changed as (
      update budgets mine set ${set}
      from old theirs
      where mine.user_id = ${to} and theirs.user_id = ${from}
        and mine.holder_kind = theirs.holder_kind and mine.period = theirs.period
        and mine.starts = theirs.starts
      returning mine.id, mine.turns, mine.spent_micros
    )
    insert into budget_entries (budget_id, kind, turns, micros, reason)
    select c.id, 'adjust', c.turns - o.turns, c.spent_micros - o.spent_micros, ${reason}::text
    from changed c join old o on o.id = c.id
    where c.turns <> o.turns or c.spent_micros <> o.spent_micros`);
}
