/** Credits: prepaid sums of users, out of vouchers. What is left of one stands in its budget. */

import type { Database, Queryable, Transaction } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';
import { type Budget, grant } from './budgets.ts';
import { windowOf } from './windows.ts';

/** @param ownerId whose identity redeemed it: with that person it is forgotten */
export const creditBudget = (id: number, ownerId: number): Budget => ({
  holder: { kind: 'credit', id: `${id}`, userId: ownerId },
  window: windowOf('total', new Date(0)),
});

export interface Credit {
  readonly id: number;
  /** Whose identity redeemed it. */
  readonly ownerId: number;
  /** `provider/model`; none: the house's. */
  readonly models: readonly string[];
  readonly expiresAt: Date;
  readonly grantedMicros: number;
  /** Neither spent nor set aside. */
  readonly leftMicros: number;
}

/** Those of a user that have not expired, in the order in which they pay: the first to expire first. */
export async function creditsOf(
  db: Queryable,
  userId: number,
  now: Date,
): Promise<readonly Credit[]> {
  const rows = await db.execute<{
    id: number;
    owner: number;
    models: readonly string[];
    expires: number;
    granted: number;
    left_micros: number;
  }>(sql`
    select c.id, coalesce(c.owner_id, c.user_id) as owner, to_jsonb(c.models) as models,
           (extract(epoch from c.expires_at) * 1000)::bigint as expires,
           c.granted_micros as granted,
           greatest(0, b.granted_micros - b.spent_micros - b.reserved_micros) as left_micros
    from credits c join budgets b on b.holder_kind = 'credit' and b.holder_id = c.id::text
      and b.period = 'total'
    where c.user_id = ${userId} and c.closed_at is null
      and c.expires_at > ${now.toISOString()}::timestamptz
    order by c.expires_at, c.id`);
  return rows.map((row) => ({
    id: row.id,
    ownerId: row.owner,
    models: row.models,
    expiresAt: new Date(row.expires),
    grantedMicros: row.granted,
    leftMicros: row.left_micros,
  }));
}

export interface NewCredit {
  readonly userId: number;
  readonly ownerId: number;
  readonly voucherId: number;
  readonly micros: number;
  readonly expiresAt: Date;
  readonly models: readonly string[];
}

export async function addCredit(tx: Transaction, credit: NewCredit): Promise<void> {
  const { userId, ownerId } = credit;
  const [row] = await tx.execute<{ id: number }>(sql`
    insert into credits (user_id, owner_id, voucher_id, granted_micros, expires_at, models)
    values (${userId}, ${ownerId === userId ? null : ownerId}::bigint, ${credit.voucherId},
            ${credit.micros}, ${credit.expiresAt.toISOString()}::timestamptz,
            array(select jsonb_array_elements_text(${JSON.stringify(credit.models)}::text::jsonb)))
    returning id`);
  if (row === undefined) throw new Error('an insert made no row');
  await grant(tx, creditBudget(row.id, ownerId), credit.micros, 'voucher');
}

/**
 * Takes back what is left of credits that have expired, as a movement of each. What is set aside for
 * a turn stays until it is settled; the next time takes what that gave back.
 */
export async function expireCredits(db: Database, now: Date): Promise<void> {
  await db.execute(sql`
    with due as materialized (
      select c.id, b.id as budget_id, b.reserved_micros as reserved,
             b.granted_micros - b.spent_micros - b.reserved_micros as left_micros
      from credits c join budgets b on b.holder_kind = 'credit' and b.holder_id = c.id::text
        and b.period = 'total'
      where c.closed_at is null and c.expires_at <= ${now.toISOString()}::timestamptz
      order by b.id limit 1000 for no key update of b
    ), taken as (
      update budgets b set granted_micros = b.granted_micros - due.left_micros
      from due where b.id = due.budget_id and due.left_micros > 0 returning b.id, due.left_micros
    ), entries as (
      insert into budget_entries (budget_id, kind, micros, reason)
      select id, 'grant', -taken.left_micros, 'expired' from taken
    )
    update credits c set closed_at = ${now.toISOString()}::timestamptz
    from due where c.id = due.id and due.reserved = 0`);
}

/** When users are joined: the credits of `from` pay for `to`'s turns from now on. */
export async function moveCredits(tx: Transaction, from: number, to: number): Promise<void> {
  await tx.execute(sql`
    update credits set owner_id = coalesce(owner_id, user_id), user_id = ${to}
    where user_id = ${from}`);
}

/** When they are separated: what the identity redeemed goes back to its own user. */
export async function returnCredits(tx: Transaction, from: number, to: number): Promise<void> {
  await tx.execute(sql`
    update credits set user_id = ${to}, owner_id = null
    where user_id = ${from} and owner_id = ${to}`);
}
