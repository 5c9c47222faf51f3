/** The house allowance of a day when users are joined and separated: never more than before. */

import type { Transaction } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';

/** What both have used today is what the joined user has used. */
export async function sumAllowance(
  tx: Transaction,
  day: string,
  from: number,
  to: number,
): Promise<void> {
  await tx.execute(sql`
    insert into allowance_days as a (user_id, day, turns, spent_micros)
    select ${to}::bigint, day, turns, spent_micros from allowance_days
    where user_id = ${from} and day = ${day}::date
    on conflict (user_id, day) do update set turns = a.turns + excluded.turns,
      spent_micros = a.spent_micros + excluded.spent_micros`);
}

/** What was used together stays counted on the side that leaves as well. */
export async function copyAllowance(
  tx: Transaction,
  day: string,
  from: number,
  to: number,
): Promise<void> {
  await tx.execute(sql`
    insert into allowance_days as a (user_id, day, turns, spent_micros)
    select ${to}::bigint, day, turns, spent_micros from allowance_days
    where user_id = ${from} and day = ${day}::date
    on conflict (user_id, day) do update set turns = greatest(a.turns, excluded.turns),
      spent_micros = greatest(a.spent_micros, excluded.spent_micros)`);
}
