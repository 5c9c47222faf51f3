/** What a member asked on a pool, for its owner: only what was asked since they agreed to that. */

import { decodeTurnInput } from '../chat/turn-input.ts';
import type { Database } from '../db/client.ts';
import { and, desc, eq, gte, sql } from '../db/drizzle.ts';
import { poolMembers, turns } from '../db/schema.ts';
import { type Vault, VaultError } from '../keys/vault.ts';
import type { Pool } from './pools.ts';

export interface ReviewedTurn {
  readonly at: Date;
  readonly question: string;
  readonly answer: string;
}

const MOST = 20;

/** @returns undefined where there was no consent, or the pool is no longer one that reads along */
export async function readForReview(
  { db, vault }: { readonly db: Database; readonly vault: Pick<Vault, 'open'> },
  pool: Pool,
  memberId: number,
): Promise<readonly ReviewedTurn[] | undefined> {
  const [member] = await db
    .select()
    .from(poolMembers)
    .where(and(eq(poolMembers.id, memberId), eq(poolMembers.poolId, pool.id)));
  const { userId = null, reviewedSince = null } = member ?? {};
  if (!pool.settings.review || userId === null || reviewedSince === null) return undefined;
  const rows = await db
    .select()
    .from(turns)
    .where(
      and(
        eq(turns.userId, userId),
        eq(turns.funding, 'pool'),
        eq(turns.fundingId, pool.id),
        gte(turns.createdAt, reviewedSince),
        sql`length(${turns.answer}) > 0 and length(${turns.input}) > 0 and ${turns.answeredAt} is not null`,
      ),
    )
    .orderBy(desc(turns.id))
    .limit(MOST);
  const read: ReviewedTurn[] = [];
  for (const turn of rows) {
    const open = (purpose: 'turn-input' | 'turn-answer', sealed: Uint8Array) =>
      vault.open(turn.ownerId ?? turn.userId, { purpose, row: turn.rowKey }, sealed);
    if (turn.answer === null) continue;
    try {
      const { parts } = decodeTurnInput(await open('turn-input', turn.input));
      const question = parts.map(({ text }) => text).join('\n\n');
      read.push({ at: turn.sentAt, question, answer: await open('turn-answer', turn.answer) });
    } catch (error) {
      // Forgotten meanwhile, or sealed for now.
      if (!(error instanceof VaultError)) throw error;
    }
  }
  return read;
}
