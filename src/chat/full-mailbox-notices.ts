import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandContext } from '../commands/command.ts';
import { generalText } from '../text/general.ts';
import { chatKey } from './message.ts';

/** Refusals that come within this time are told together, in milliseconds. */
const TOGETHER_MS = 1_000;

/** Tells people that their mailbox is full: a burst of messages gets one notice, not one each. */
export function createFullMailboxNotices() {
  const dropped = new Map<string, number>();
  return {
    /** @param limit how many turns of the user may wait */
    tell(context: CommandContext, limit: number): void {
      const key = `${chatKey(context.chat)}|${context.sender.platformUserId}`;
      const before = dropped.get(key);
      dropped.set(key, (before ?? 0) + 1);
      if (before !== undefined) return;
      context.later(async () => {
        await sleep(TOGETHER_MS);
        const count = dropped.get(key) ?? 1;
        dropped.delete(key);
        const notice = generalText.mailboxFull(limit, count);
        context.answer(notice, notice.markdown);
      });
    },
  };
}
