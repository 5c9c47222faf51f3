/** "Continue": brings the rest of an answer whose time on the platform was over. Reached by a button only. */

import { decodeTurnInput, encodeTurnInput } from '../chat/turn-input.ts';
import type { Database } from '../db/client.ts';
import { eq } from '../db/drizzle.ts';
import { turns } from '../db/schema.ts';
import { isRingIncomplete } from '../keys/afresh.ts';
import type { Vault } from '../keys/vault.ts';
import type { Mailbox } from '../queue/mailbox.ts';
import type { Wakeups } from '../queue/wakeups.ts';
import { generalText } from '../text/general.ts';
import { sealedText } from '../text/sealed.ts';
import { type Command, type CommandContext, rowId } from './command.ts';

type Renewal = 'reopened' | 'open' | 'nothing' | 'not-yours' | 'sealed';

export function createContinue({
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
  /** @returns as `Mailbox.renew`, or who else may go on with it */
  async function renew(context: CommandContext, tries: number): Promise<Renewal> {
    const [turn] = await db
      .select({
        id: turns.id,
        userId: turns.userId,
        ownerId: turns.ownerId,
        rowKey: turns.rowKey,
        input: turns.input,
      })
      .from(turns)
      .where(eq(turns.id, rowId(context.argument)));
    // Without a handle the rest would go wherever the bot itself may write, for all to see.
    const replyHandle = context.press?.replyHandle;
    if (turn === undefined || turn.input.length === 0) return 'nothing';
    if (turn.userId !== context.userId) return 'not-yours';
    if (replyHandle === undefined) return 'nothing';
    const ownerId = turn.ownerId ?? turn.userId;
    const binding = { purpose: 'turn-input' as const, row: turn.rowKey };
    const { replyHandle: _, ...input } = decodeTurnInput(
      await vault.open(ownerId, binding, turn.input),
    );
    const renewed = await mailbox.renew(
      { turnId: turn.id, userId: turn.userId, input: turn.input },
      await vault.seal(ownerId, binding, encodeTurnInput({ ...input, replyHandle })),
    );
    // Pressed twice at once, the second press finds another input than it has read.
    return renewed ?? (tries > 1 ? renew(context, tries - 1) : 'nothing');
  }

  async function goOn(context: CommandContext): Promise<void> {
    const renewal = await renew(context, 2).catch((error: unknown) => {
      if (isRingIncomplete(error)) return 'sealed' as const;
      throw error;
    });
    if (renewal === 'reopened') {
      await wakeups.wake(context.userId);
      return;
    }
    const notice = {
      open: generalText.continuesLater,
      sealed: sealedText.lost,
      nothing: generalText.nothingToContinue,
      'not-yours': generalText.notYoursToContinue,
    }[renewal]();
    context.answer(notice, renewal === 'sealed' ? sealedText.lostInGroup() : notice.markdown);
  }

  return { name: 'continue', description: '', where: 'everywhere', run: goOn, press: goOn };
}
