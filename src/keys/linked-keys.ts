/**
 * API keys when users are joined and separated. Nothing is sealed anew: a key stays under the data
 * key of the user whose identity added it, and only changes whose turns it may pay for.
 */

import type { Database, Transaction } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';

/** Providers of which both users have a key, with the last four characters of each. */
export async function keysMet(
  db: Database,
  here: number,
  there: number,
): Promise<readonly { provider: string; stays: string; aside: string }[]> {
  return db.execute<{ provider: string; stays: string; aside: string }>(sql`
    select mine.provider, mine.hint as stays, theirs.hint as aside
    from api_keys mine join api_keys theirs using (provider)
    where mine.user_id = ${here} and theirs.user_id = ${there} order by mine.provider`);
}

/**
 * The keys of `from` are `to`'s from now on. Where `to` has one of the same provider, that of
 * `from` stays where it is: kept, used by nobody, and back in use when they are separated.
 */
export async function moveKeys(tx: Transaction, from: number, to: number): Promise<void> {
  const met = sql`exists (select from api_keys other
                          where other.user_id = ${to} and other.provider = k.provider)`;
  // `from` may be joined itself: what an identity of its has added is put aside with that one.
  await tx.execute(sql`
    delete from api_keys aside using api_keys k
    where k.user_id = ${from} and aside.user_id = k.owner_id and aside.user_id <> ${from}
      and aside.provider = k.provider and ${met}`);
  await tx.execute(sql`
    update api_keys k set user_id = owner_id, owner_id = null
    where user_id = ${from} and owner_id is not null and ${met}`);
  await tx.execute(sql`
    update api_keys k set owner_id = coalesce(k.owner_id, k.user_id), user_id = ${to}
    where k.user_id = ${from} and not ${met}`);
}

/** What the identity added goes back to its own user, in place of what was put aside meanwhile. */
export async function returnKeys(tx: Transaction, from: number, to: number): Promise<void> {
  await tx.execute(sql`
    delete from api_keys aside where user_id = ${to}
      and exists (select from api_keys newer where newer.user_id = ${from}
                  and newer.owner_id = ${to} and newer.provider = aside.provider)`);
  await tx.execute(sql`
    update api_keys set user_id = ${to}, owner_id = null
    where user_id = ${from} and owner_id = ${to}`);
}
