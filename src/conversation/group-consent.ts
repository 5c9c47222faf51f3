import type { Database } from '../db/client.ts';
import { eq } from '../db/drizzle.ts';
import { users } from '../db/schema.ts';
import type { RunningTurn } from './turn-store.ts';

/** What others said is context on a user's own key up to this, in tokens: what the user agreed to. */
export const GROUP_CONTEXT_TOKENS = 4_000;

/** Whether the user has yet to agree that others' words in a group are sent along on their key. */
export async function needsGroupConsent(
  db: Database,
  turn: Pick<RunningTurn, 'userId' | 'chat'>,
): Promise<boolean> {
  if (turn.chat.kind === 'direct') return false;
  const [user] = await db
    .select({ consentAt: users.groupConsentAt })
    .from(users)
    .where(eq(users.id, turn.userId));
  return user?.consentAt == null;
}
