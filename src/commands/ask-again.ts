/** Puts a question that had to wait for its user's decision into the mailbox once more. */

import { randomUUID } from 'node:crypto';
import type { Database } from '../db/client.ts';
import { and, eq } from '../db/drizzle.ts';
import { chats, turns } from '../db/schema.ts';
import type { FundingKind } from '../funding/ledger.ts';
import { isRingIncomplete } from '../keys/afresh.ts';
import type { Vault } from '../keys/vault.ts';
import type { Mailbox } from '../queue/mailbox.ts';
import type { Wakeups } from '../queue/wakeups.ts';
import type { Outcome } from '../text/outcomes.ts';

export interface AskAgainParts {
  readonly db: Database;
  readonly vault: Vault;
  readonly mailbox: Mailbox;
  readonly wakeups: Wakeups;
}

/**
 * `nothing`: the turn is not one that waits so, or was asked before. `sealed`: its words don't open,
 * since the key ring has lost a KEK.
 */
export type AskedAgain = 'asked' | 'nothing' | 'sealed';

export type AskAgain = (
  userId: number,
  turnId: number,
  decision: {
    /** What the turn waits for. */
    readonly outcome: Extract<Outcome, 'consent-needed' | 'payer-needed'>;
    readonly payerChoice?: FundingKind;
  },
) => Promise<AskedAgain>;

export function createAskAgain({ db, vault, mailbox, wakeups }: AskAgainParts): AskAgain {
  const ask = async (...[userId, turnId, decision]: Parameters<AskAgain>): Promise<AskedAgain> => {
    const { outcome, payerChoice } = decision;
    const [row] = await db
      .select()
      .from(turns)
      .innerJoin(chats, eq(chats.id, turns.chatId))
      .where(and(eq(turns.id, turnId), eq(turns.userId, userId), eq(turns.outcome, outcome)));
    if (row === undefined) return 'nothing';
    const { turns: turn, chats: chat } = row;
    const ownerId = turn.ownerId ?? userId;
    const input = await vault.open(
      ownerId,
      { purpose: 'turn-input', row: turn.rowKey },
      turn.input,
    );
    const rowKey = randomUUID();
    const accepted = await mailbox.accept({
      platform: chat.platform,
      platformChatId: chat.platformChatId,
      // Pressed twice, or on two devices, it is the same message twice.
      messageId: `${turn.replyTo}#${outcome === 'consent-needed' ? 'consent' : `pay-${turnId}`}`,
      userId,
      ...(ownerId === userId ? {} : { ownerId }),
      platformUserId: turn.platformUserId,
      chatId: chat.id,
      conversation: chat.conversation,
      rowKey,
      input: await vault.seal(ownerId, { purpose: 'turn-input', row: rowKey }, input),
      sentAt: new Date(),
      sentOrder: turn.sentOrder,
      replyTo: turn.replyTo,
      followsTurnId: turn.followsTurnId ?? undefined,
      isPrivate: turn.isPrivate,
      payerChoice: payerChoice ?? turn.payerChoice ?? undefined,
      mergeKey: undefined,
      waitMs: 0,
    });
    await wakeups.wake(userId);
    return accepted.result === 'accepted' ? 'asked' : 'nothing';
  };

  return (...given) =>
    ask(...given).catch((error: unknown) => {
      if (isRingIncomplete(error)) return 'sealed';
      throw error;
    });
}
