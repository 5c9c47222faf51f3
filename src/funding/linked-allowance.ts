/** The house allowance of a day when users are joined and separated: never more than before. */

import type { Transaction } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';

/**
 * What both have used today is what the joined user has used. What they used together earlier on
 * the day, and has been counted on both since, counts once.
 */
export async function sumAllowance(
  tx: Transaction,
  day: string,
  from: number,
  to: number,
): Promise<void> {
  await tx.execute(sql`
    insert into allowance_days as a (user_id, day, turns, spent_micros, shared_with, shared_turns,
                                     shared_micros)
    select ${to}::bigint, day, turns, spent_micros, shared_with, shared_turns, shared_micros
    from allowance_days where user_id = ${from} and day = ${day}::date
    on conflict (user_id, day) do update set
      turns = a.turns + excluded.turns - case
        when a.shared_with = ${from} then a.shared_turns
        when excluded.shared_with = ${to} then excluded.shared_turns else 0 end,
      spent_micros = a.spent_micros + excluded.spent_micros - case
        when a.shared_with = ${from} then a.shared_micros
        when excluded.shared_with = ${to} then excluded.shared_micros else 0 end,
      shared_with = null, shared_turns = 0, shared_micros = 0`);
}

/** What was used together stays counted on the side that leaves as well. */
export async function copyAllowance(
  tx: Transaction,
  day: string,
  from: number,
  to: number,
): Promise<void> {
  await tx.execute(sql`
    insert into allowance_days as a (user_id, day, turns, spent_micros, shared_with, shared_turns,
                                     shared_micros)
    select ${to}::bigint, day, turns, spent_micros, ${from}::bigint, turns, spent_micros
    from allowance_days where user_id = ${from} and day = ${day}::date
    on conflict (user_id, day) do update set turns = excluded.turns,
      spent_micros = excluded.spent_micros, shared_with = excluded.shared_with,
      shared_turns = excluded.shared_turns, shared_micros = excluded.shared_micros`);
}
