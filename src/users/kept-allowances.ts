/**
 * What a forgotten user had used of a day's house allowance stays on an HMAC of each of their
 * accounts, and is theirs again when they come back: forgetting does not renew it.
 */

import type { Queryable } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';
import { keptAllowances } from '../db/schema.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { identityPseudonym } from '../keys/tombstones.ts';
import type { Erased } from './erasure.ts';

type Pseudonyms = Pick<KeyRing, 'pseudonym'>;

export async function keepAllowances(
  tx: Queryable,
  ring: Pseudonyms,
  { identities, allowances }: Erased,
): Promise<void> {
  const kept = identities.flatMap((identity) =>
    allowances.map((day) => ({ identityPseudonym: identityPseudonym(ring, identity), ...day })),
  );
  if (kept.length === 0) return;
  await tx
    .insert(keptAllowances)
    .values(kept)
    .onConflictDoUpdate({
      target: [keptAllowances.identityPseudonym, keptAllowances.day],
      set: {
        turns: sql`greatest(kept_allowances.turns, excluded.turns)`,
        spentMicros: sql`greatest(kept_allowances.spent_micros, excluded.spent_micros)`,
      },
    });
}

/** Part of making the user anew, behind the insert of the identity, which waits for a forgetting under way. */
export async function restoreAllowances(
  tx: Queryable,
  ring: Pseudonyms,
  identity: { readonly platform: string; readonly platformUserId: string },
  userId: number,
): Promise<void> {
  await tx.execute(sql`
    insert into allowance_days (user_id, day, turns, spent_micros)
    select ${userId}::bigint, day, turns, spent_micros from kept_allowances
    where identity_pseudonym = ${identityPseudonym(ring, identity)}`);
}

/** Those of days that are over on every clock. */
export async function dropOldAllowances(db: Queryable, now: Date): Promise<void> {
  await db.execute(sql`
    delete from kept_allowances
    where day < (${now.toISOString()}::timestamptz at time zone 'UTC')::date - 1`);
}
