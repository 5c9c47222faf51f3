/** What a user's turns have cost, read from the turns themselves. */

import type { Database } from '../db/client.ts';
import { and, eq, gte, isNotNull, isNull, or, sql } from '../db/drizzle.ts';
import { pools, turns } from '../db/schema.ts';
import type { FundingKind } from './ledger.ts';

export interface UsageSum {
  readonly funding: FundingKind;
  /** Where a pool paid: which. */
  readonly poolName: string | null;
  readonly turns: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costMicros: number;
  /** Turns whose model has no known price: their cost is not in `costMicros`. */
  readonly unpricedTurns: number;
  /** Turns whose cost was counted at a price that the operator assumes. */
  readonly assumedTurns: number;
}

/** Sums of answered turns since a moment, by funding: those of all identities that are linked now. */
export async function usageSince(
  db: Database,
  userId: number,
  since: Date,
): Promise<readonly UsageSum[]> {
  const number = (expression: ReturnType<typeof sql>) => sql<number>`${expression}`.mapWith(Number);
  const own = sql`any(array(select ${userId}::bigint union all
    select own_user_id from identities where user_id = ${userId} and own_user_id is not null))`;
  const rows = await db
    .select({
      funding: turns.funding,
      poolName: pools.name,
      turns: number(sql`count(*)`),
      inputTokens: number(sql`coalesce(sum(${turns.inputTokens}), 0)`),
      outputTokens: number(sql`coalesce(sum(${turns.outputTokens}), 0)`),
      costMicros: number(sql`coalesce(sum(${turns.costMicros}), 0)`),
      unpricedTurns: number(sql`count(*) filter (where ${turns.costMicros} is null)`),
      assumedTurns: number(sql`count(*) filter (where ${turns.priceAssumed})`),
    })
    .from(turns)
    .leftJoin(pools, and(eq(turns.funding, 'pool'), eq(turns.fundingId, pools.id)))
    .where(
      and(
        // Who is linked to nobody said all that is in their own mailbox, and nothing elsewhere.
        sql`((${turns.ownerId} is null and ${turns.userId} = ${own}) or ${turns.ownerId} = ${own})`,
        endedSince(since),
        hasCounted(),
        isNotNull(turns.funding),
      ),
    )
    .groupBy(turns.funding, pools.id, pools.name);
  return rows.flatMap((row) => (row.funding === null ? [] : [{ ...row, funding: row.funding }]));
}

/** What turns on own keys have cost since a moment, in micros, by provider. */
export async function ownSpendByProvider(
  db: Database,
  userId: number,
  since: Date,
): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .select({
      provider: turns.provider,
      costMicros: sql<number>`coalesce(sum(${turns.costMicros}), 0)`.mapWith(Number),
    })
    .from(turns)
    .where(and(eq(turns.userId, userId), eq(turns.funding, 'own'), endedSince(since)))
    .groupBy(turns.provider);
  return new Map(rows.flatMap((r) => (r.provider === null ? [] : [[r.provider, r.costMicros]])));
}

/** It was answered, or counts although it was not (`counts` in turn-result.ts). */
export function hasCounted() {
  return sql`(${turns.answer} is not null
    or (${turns.outcome} in ('stopped', 'thought-only') and ${turns.inputTokens} is not null))`;
}

/** An answer that is being delivered has cost what it cost. */
function endedSince(since: Date) {
  return or(
    gte(turns.finishedAt, since),
    and(isNull(turns.finishedAt), gte(turns.answeredAt, since)),
  );
}
