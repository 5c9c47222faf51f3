/** The limits on own keys when users are joined and separated: never higher than before. */

import type { Transaction } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';

/** The lower limit of each kind holds, and what both have spent counts. Neither side has open turns. */
export async function joinLimits(tx: Transaction, from: number, to: number): Promise<void> {
  const summed = (kind: 'day' | 'month') =>
    sql.raw(`${kind}_spent_micros = case
      when l.${kind} = excluded.${kind} then l.${kind}_spent_micros + excluded.${kind}_spent_micros
      when l.${kind} < excluded.${kind} then excluded.${kind}_spent_micros
      else l.${kind}_spent_micros end,
    ${kind} = greatest(l.${kind}, excluded.${kind})`);
  // least() passes over null: no limit.
  await tx.execute(sql`
    insert into own_limits as l (user_id, day_limit_micros, month_limit_micros, day,
                                 day_spent_micros, month, month_spent_micros)
    select ${to}::bigint, day_limit_micros, month_limit_micros, day, day_spent_micros, month,
           month_spent_micros
    from own_limits where user_id = ${from}
    on conflict (user_id) do update set
      day_limit_micros = least(l.day_limit_micros, excluded.day_limit_micros),
      month_limit_micros = least(l.month_limit_micros, excluded.month_limit_micros),
      ${summed('day')}, ${summed('month')}`);
}

/** The side that leaves keeps the joint limits, and what was spent under them. */
export async function copyLimits(tx: Transaction, from: number, to: number): Promise<void> {
  await tx.execute(sql`
    insert into own_limits (user_id, day_limit_micros, month_limit_micros, day, day_spent_micros,
                            month, month_spent_micros)
    select ${to}::bigint, day_limit_micros, month_limit_micros, day, day_spent_micros, month,
           month_spent_micros
    from own_limits where user_id = ${from}
    on conflict (user_id) do update set
      day_limit_micros = excluded.day_limit_micros,
      month_limit_micros = excluded.month_limit_micros,
      day = excluded.day, day_spent_micros = excluded.day_spent_micros,
      month = excluded.month, month_spent_micros = excluded.month_spent_micros`);
}
