/** Pools when users are joined and separated: what an account made or joined follows it. */

import type { Transaction } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';

/**
 * Pools and memberships of `from` are `to`'s from now on. Where both are in the same pool, that of
 * `from` stays where it is, and is used by nobody until they are separated.
 */
export async function joinPools(tx: Transaction, from: number, to: number): Promise<void> {
  await tx.execute(sql`
    update pools p set user_id = ${to},
           name = case when exists (select from pools other where other.user_id = ${to}
                                    and other.name = p.name and other.state <> 'closed')
                       then left(p.name, 20) || '-' || p.id else p.name end
    where user_id = ${from}`);
  await tx.execute(sql`
    update pool_members m set owner_id = coalesce(m.owner_id, m.user_id), user_id = ${to}
    where m.user_id = ${from}
      and not exists (select from pool_members other
                      where other.user_id = ${to} and other.pool_id = m.pool_id)`);
}

/** What the account `to` made or joined, before or since, goes back with it. */
export async function returnPools(tx: Transaction, from: number, to: number): Promise<void> {
  await tx.execute(sql`
    update pools set user_id = ${to} where user_id = ${from} and owner_id = ${to}`);
  await tx.execute(sql`
    update pool_members m set user_id = ${to}, owner_id = null
    where m.user_id = ${from} and m.owner_id = ${to}
      and not exists (select from pool_members other
                      where other.user_id = ${to} and other.pool_id = m.pool_id)`);
}
