/** Consent to others' words in groups as context on one's own key; reached by a button only. */

import { randomUUID } from 'node:crypto';
import type { Database } from '../db/client.ts';
import { and, eq } from '../db/drizzle.ts';
import { chats, turns, users } from '../db/schema.ts';
import { isRingIncomplete } from '../keys/afresh.ts';
import type { Vault } from '../keys/vault.ts';
import type { Mailbox } from '../queue/mailbox.ts';
import type { Wakeups } from '../queue/wakeups.ts';
import { generalText } from '../text/general.ts';
import { sealedText } from '../text/sealed.ts';
import { type Command, rowId } from './command.ts';

export function createConsent({
  db,
  vault,
  mailbox,
  wakeups,
}: {
  readonly db: Database;
  readonly vault: Vault;
  readonly mailbox: Mailbox;
  readonly wakeups: Wakeups;
}): Command {
  /** Puts the question that had to wait for consent into the mailbox once more. */
  async function askAgain(userId: number, turnId: number): Promise<boolean> {
    const [row] = await db
      .select()
      .from(turns)
      .innerJoin(chats, eq(chats.id, turns.chatId))
      .where(
        and(eq(turns.id, turnId), eq(turns.userId, userId), eq(turns.outcome, 'consent-needed')),
      );
    if (row === undefined) return false;
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
      // Pressed twice, it is the same message twice.
      messageId: `${turn.replyTo}#consent`,
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
      mergeKey: undefined,
      waitMs: 0,
    });
    await wakeups.wake(userId);
    return accepted.result === 'accepted';
  }

  return {
    name: 'consent',
    description: '',
    where: 'direct',
    /** From the deep link in the group: asks. */
    async run(context) {
      context.answer({
        ...generalText.consent(),
        buttons: [[{ label: 'I agree', action: `consent:${rowId(context.argument)}` }]],
      });
    },
    async press(context) {
      await db
        .update(users)
        .set({ groupConsentAt: new Date() })
        .where(eq(users.id, context.userId));
      try {
        const asked = await askAgain(context.userId, rowId(context.argument));
        context.replace(asked ? generalText.consented() : generalText.consentedOnly());
      } catch (error) {
        if (!isRingIncomplete(error)) throw error;
        context.replace(sealedText.lost());
      }
    },
  };
}
