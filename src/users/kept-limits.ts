/**
 * What a forgotten user had used up stays on an HMAC of each of their accounts, and is theirs again
 * when they come back: forgetting renews neither the day's house allowance nor the checks of keys.
 */

import type { Queryable } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';
import { keptLimits } from '../db/schema.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { identityPseudonym } from '../keys/tombstones.ts';
import type { Erased } from './erasure.ts';

type Pseudonyms = Pick<KeyRing, 'pseudonym'>;

export async function keepLimits(
  tx: Queryable,
  ring: Pseudonyms,
  { identities, used }: Erased,
): Promise<void> {
  const kept = identities.flatMap((identity) =>
    used.map(({ keyChecks, ...window }) => ({
      identityPseudonym: identityPseudonym(ring, identity),
      keyChecks: [...keyChecks],
      ...window,
    })),
  );
  if (kept.length === 0) return;
  await tx
    .insert(keptLimits)
    .values(kept)
    .onConflictDoUpdate({
      target: [keptLimits.identityPseudonym, keptLimits.period, keptLimits.starts],
      set: {
        turns: sql`greatest(kept_limits.turns, excluded.turns)`,
        spentMicros: sql`greatest(kept_limits.spent_micros, excluded.spent_micros)`,
        // Those from before are the user's again since then, and so among the newer ones.
        keyChecks: sql`excluded.key_checks`,
      },
    });
}

/** Part of making the user anew, behind the insert of the identity, which waits for a forgetting under way. */
export async function restoreLimits(
  tx: Queryable,
  ring: Pseudonyms,
  identity: { readonly platform: string; readonly platformUserId: string },
  userId: number,
): Promise<void> {
  await tx.execute(sql`
    with kept as (
      select * from kept_limits where identity_pseudonym = ${identityPseudonym(ring, identity)}
    ), checks as (
      insert into key_checks (user_id, at) select ${userId}::bigint, unnest(key_checks) from kept
    ), restored as (
      insert into budgets (holder_kind, holder_id, user_id, period, starts, turns, spent_micros)
      select 'user', ${userId}::bigint::text, ${userId}::bigint, period, starts, turns, spent_micros
      from kept order by period, starts returning id, turns, spent_micros
    )
    insert into budget_entries (budget_id, kind, turns, micros, reason)
    select id, 'adjust', turns, spent_micros, 'came-back' from restored`);
}

/** Those of windows that are over on every clock. */
export async function dropOldLimits(db: Queryable, now: Date): Promise<void> {
  await db.execute(sql`
    delete from kept_limits
    where starts + ('1 ' || period)::interval + interval '1 day'
      <= ${now.toISOString()}::timestamptz`);
}
