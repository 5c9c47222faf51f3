/**
 * API keys when users are joined and separated. Nothing is sealed anew: a key stays under the data
 * key of the user whose identity added it, and only changes whose turns it may pay for.
 */

import type { Database, Queryable, Transaction } from '../db/client.ts';
import { eq, sql } from '../db/drizzle.ts';
import { identities } from '../db/schema.ts';
import type { AuditAction, AuditEntry } from './audit.ts';

/** The user, and whose data keys seal what identities add that are linked to it now. */
export async function ownersOf(db: Queryable, userId: number): Promise<readonly number[]> {
  const linked = await db
    .select({ ownUserId: identities.ownUserId })
    .from(identities)
    .where(eq(identities.userId, userId));
  return [...new Set([userId, ...linked.flatMap(({ ownUserId }) => ownUserId ?? [])])];
}

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

/** A key that something was done with: whose, and which. */
type Touched = { owner: string | number; provider: string };

const entriesOf = (action: AuditAction, keys: readonly Touched[]): AuditEntry[] =>
  keys.map(({ owner, provider }) => ({ action, actor: 'user', userId: Number(owner), provider }));

/**
 * The keys of `from` are `to`'s from now on. Where `to` has one of the same provider, that of
 * `from` stays where it is: kept, used by nobody, and back in use when they are separated.
 * @returns for the audit trail, to be appended at the end of the same transaction
 */
export async function moveKeys(
  tx: Transaction,
  from: number,
  to: number,
): Promise<readonly AuditEntry[]> {
  const met = sql`exists (select from api_keys other
                          where other.user_id = ${to} and other.provider = k.provider)`;
  // `from` may be joined itself: what an identity of its has added is put aside with that one.
  const deleted = await tx.execute<Touched>(sql`
    delete from api_keys aside using api_keys k
    where k.user_id = ${from} and aside.user_id = k.owner_id and aside.user_id <> ${from}
      and aside.provider = k.provider and ${met}
    returning aside.user_id as owner, aside.provider`);
  const aside = await tx.execute<Touched>(sql`
    update api_keys k set user_id = coalesce(owner_id, user_id), owner_id = null
    where user_id = ${from} and ${met}
    returning user_id as owner, provider`);
  const joined = await tx.execute<Touched>(sql`
    update api_keys k set owner_id = coalesce(k.owner_id, k.user_id), user_id = ${to}
    where k.user_id = ${from} and not ${met}
    returning owner_id as owner, provider`);
  return [
    ...entriesOf('key.deleted', deleted),
    ...entriesOf('key.put-aside', aside),
    ...entriesOf('key.joined', joined),
  ];
}

/**
 * What the identity added goes back to its own user, in place of what was put aside meanwhile.
 * @returns for the audit trail, to be appended at the end of the same transaction
 */
export async function returnKeys(
  tx: Transaction,
  from: number,
  to: number,
): Promise<readonly AuditEntry[]> {
  const deleted = await tx.execute<Touched>(sql`
    delete from api_keys aside where user_id = ${to}
      and exists (select from api_keys newer where newer.user_id = ${from}
                  and newer.owner_id = ${to} and newer.provider = aside.provider)
    returning user_id as owner, provider`);
  await tx.execute(sql`
    update api_keys set user_id = ${to}, owner_id = null
    where user_id = ${from} and owner_id = ${to}`);
  // Those that were aside as well: they serve again from now on.
  const back = await tx.execute<Touched>(
    sql`select user_id as owner, provider from api_keys where user_id = ${to} order by id`,
  );
  return [...entriesOf('key.deleted', deleted), ...entriesOf('key.returned', back)];
}
