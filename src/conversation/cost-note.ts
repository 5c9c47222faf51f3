/** Below an answer in private, for users who wish so: what it cost, and what is left. */

import type { Database } from '../db/client.ts';
import { eq } from '../db/drizzle.ts';
import { users } from '../db/schema.ts';
import type { Allowance } from '../funding/allowance.ts';
import type { Funding } from '../funding/funding.ts';
import type { OwnLimit } from '../funding/own-limit.ts';
import { costText } from '../text/cost.ts';
import type { RunningTurn, TurnResult } from './turn-store.ts';

export async function costNote(
  parts: { readonly db: Database; readonly allowance: Allowance; readonly ownLimit: OwnLimit },
  turn: RunningTurn,
  result: TurnResult,
  funding: Funding | undefined,
): Promise<string | undefined> {
  // What somebody spends is nobody else's business.
  if (turn.chat.kind !== 'direct' || result.answer === '') return undefined;
  if (!(funding?.showCost ?? (await wishesCosts(parts.db, turn.userId)))) return undefined;
  // An answer that is brought once more knows its cost from the turn.
  const kind = funding?.kind ?? turn.funding;
  if (kind === null) return undefined;
  const costMicros = funding === undefined ? turn.costMicros : (result.costMicros ?? null);
  return kind === 'own'
    ? costText.own(costMicros, await parts.ownLimit.state(turn.userId))
    : costText.house(costMicros, await parts.allowance.state(turn.userId));
}

async function wishesCosts(db: Database, userId: number): Promise<boolean> {
  const [user] = await db
    .select({ showCost: users.showCost })
    .from(users)
    .where(eq(users.id, userId));
  return user?.showCost === true;
}
