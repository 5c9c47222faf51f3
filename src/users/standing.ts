/** Everything that the operator may see of one user: states and numbers, no words and no key material. */

import type { Database } from '../db/client.ts';
import { asc, desc, eq, sql } from '../db/drizzle.ts';
import { apiKeys, identities, mailbox, turns, users } from '../db/schema.ts';
import type { FundingKind } from '../funding/ledger.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { identityPseudonym } from '../keys/tombstones.ts';
import type { NamedAccount } from './accounts.ts';

export interface StandingBudget {
  readonly holder: string;
  readonly period: string;
  readonly starts: Date;
  readonly turns: number;
  readonly spentMicros: number;
  readonly reservedMicros: number;
  readonly grantedMicros: number;
}

export interface StandingSuspension {
  readonly id: number;
  readonly kind: 'warning' | 'pause' | 'suspension';
  readonly at: Date;
  readonly until: Date | null;
  readonly reason: string;
  readonly by: 'moderation' | 'operator';
  readonly liftedAt: Date | null;
  readonly appealedAt: Date | null;
}

export type Standing = Awaited<ReturnType<typeof standingOf>>;

const LAST_TURNS = 10;
const LAST_SUSPENSIONS = 20;

/** As much of a pseudonym as the operator's lists show. */
const SHORT = 8;

/** A name for a user that says nothing of them: the beginning of what providers are given. */
export function shortId(ring: Pick<KeyRing, 'pseudonym'>, userId: number): string {
  return ring.pseudonym(String(userId)).slice(0, SHORT);
}

export async function standingOf(
  { db, ring }: { readonly db: Database; readonly ring: Pick<KeyRing, 'pseudonym'> },
  userId: number,
) {
  const [[user], accounts, keys, [box], budgets, lastTurns] = await Promise.all([
    db
      .select({ since: users.createdAt, payerOrder: users.payerOrder, model: users.model })
      .from(users)
      .where(eq(users.id, userId)),
    db
      .select({ platform: identities.platform, platformUserId: identities.platformUserId })
      .from(identities)
      .where(eq(identities.userId, userId))
      .orderBy(identities.platform),
    db
      .select({
        provider: apiKeys.provider,
        state: apiKeys.state,
        addedAt: apiKeys.createdAt,
        checkedAt: apiKeys.checkedAt,
        lastUsedAt: apiKeys.lastUsedAt,
        expiresAt: apiKeys.expiresAt,
      })
      .from(apiKeys)
      .where(eq(apiKeys.userId, userId))
      .orderBy(asc(apiKeys.id)),
    db.select({ open: mailbox.open }).from(mailbox).where(eq(mailbox.userId, userId)),
    newestBudgets(db, userId),
    db
      .select({
        id: turns.id,
        status: turns.status,
        outcome: turns.outcome,
        attempts: turns.attempt,
        funding: sql<FundingKind | null>`${turns.funding}`,
        provider: turns.provider,
        model: turns.model,
        costMicros: turns.costMicros,
        createdAt: turns.createdAt,
        finishedAt: turns.finishedAt,
      })
      .from(turns)
      .where(eq(turns.userId, userId))
      .orderBy(desc(turns.seq))
      .limit(LAST_TURNS),
  ]);
  return {
    userId,
    shortId: shortId(ring, userId),
    since: user?.since ?? null,
    accounts: accounts.map((account) => `${account.platform}:${account.platformUserId}`),
    payerOrder: user?.payerOrder ?? null,
    model: user?.model ?? null,
    keys,
    openTurns: box?.open ?? 0,
    budgets,
    lastTurns,
    suspensions: await suspensionsOf({ db, ring }, accounts),
  };
}

/** The newest window of each holder and period. */
async function newestBudgets(db: Database, userId: number): Promise<readonly StandingBudget[]> {
  const rows = await db.execute<Record<keyof StandingBudget, string>>(sql`
    select distinct on (holder_kind, holder_id, period)
           holder_kind || case when holder_kind in ('user', 'own') then '' else ' ' || holder_id end
             as holder,
           period, (extract(epoch from starts) * 1000)::bigint::text as starts, turns::text,
           spent_micros::text as "spentMicros", reserved_micros::text as "reservedMicros",
           granted_micros::text as "grantedMicros"
    from budgets where user_id = ${userId}::bigint
    order by holder_kind, holder_id, period, starts desc`);
  return rows.map((row) => ({
    holder: row.holder,
    period: row.period,
    starts: new Date(Number(row.starts)),
    turns: Number(row.turns),
    spentMicros: Number(row.spentMicros),
    reservedMicros: Number(row.reservedMicros),
    grantedMicros: Number(row.grantedMicros),
  }));
}

/** Newest first; of accounts that were forgotten as well. */
export async function suspensionsOf(
  { db, ring }: { readonly db: Database; readonly ring: Pick<KeyRing, 'pseudonym'> },
  accounts: readonly NamedAccount[],
): Promise<readonly StandingSuspension[]> {
  if (accounts.length === 0) return [];
  const names = sql.join(
    accounts.map((account) => sql`${identityPseudonym(ring, account)}`),
    sql`, `,
  );
  const moment = (name: string) =>
    sql`(extract(epoch from ${sql.raw(`s.${name}`)}) * 1000)::bigint::text`;
  const rows = await db.execute<{
    id: string;
    kind: StandingSuspension['kind'];
    at: string;
    until: string | null;
    reason: string;
    by: StandingSuspension['by'];
    lifted: string | null;
    appealed: string | null;
  }>(sql`
    select s.id::text, s.kind, ${moment('at')} as at, ${moment('until')} as until, s.reason, s.by,
           ${moment('lifted_at')} as lifted, ${moment('appealed_at')} as appealed
    from suspensions s
    where s.id in (select i.suspension_id from suspension_identities i
                   where i.identity_pseudonym = any(array[${names}]::text[]))
    order by s.id desc limit ${LAST_SUSPENSIONS}::int`);
  const date = (ms: string | null) => (ms === null ? null : new Date(Number(ms)));
  return rows.map(({ id, kind, at, until, reason, by, lifted, appealed }) => ({
    id: Number(id),
    kind,
    at: new Date(Number(at)),
    until: date(until),
    reason,
    by,
    liftedAt: date(lifted),
    appealedAt: date(appealed),
  }));
}
