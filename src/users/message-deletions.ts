/** Deletes what the bot said to a forgotten user on the platform: afterwards, and again after a crash. */

import type { ChatAddress, PlatformName } from '../chat/message.ts';
import type { PlatformSender } from '../chat/platform.ts';
import type { Database, Queryable } from '../db/client.ts';
import { and, eq, gt, lte, sql } from '../db/drizzle.ts';
import { messageDeletions } from '../db/schema.ts';
import type { SentThere } from './erasure.ts';

/** Telegram lets bots delete for 48 hours; an hour is kept back for the deletion itself. */
export const DELETABLE_MS = 47 * 3_600_000;
/** Another process takes up what one has begun after so long, in milliseconds. */
const RETRY_MS = 60_000;

export interface MessageDeletions {
  /**
   * Part of the forgetting transaction.
   * @param except the message with the confirmation, which is to say what was done
   */
  plan(
    tx: Queryable,
    sent: readonly SentThere[],
    except: string | undefined,
  ): Promise<readonly number[]>;
  /**
   * Carries out those that were planned, or, without `ids`, those that nobody has ended.
   * @param which.signal ends it between two chats
   * @returns how many messages are gone and how many the platform kept
   */
  carryOut(which?: {
    readonly ids?: readonly number[];
    readonly signal?: AbortSignal;
  }): Promise<{ readonly deleted: number; readonly kept: number }>;
}

export function createMessageDeletions({
  db,
  sender,
}: {
  readonly db: Database;
  /** Undefined where the platform is not turned on (any more). */
  readonly sender: (platform: PlatformName) => Pick<PlatformSender, 'deleteMessages'> | undefined;
}): MessageDeletions {
  const later = sql`now() + ${RETRY_MS}::int * interval '1 ms'`;
  const tooOld = sql`now() - ${DELETABLE_MS}::bigint * interval '1 ms'`;

  /** @returns undefined where another process is at it */
  async function take(id: number) {
    const [row] = await db
      .update(messageDeletions)
      .set({ notBefore: later })
      .where(
        and(
          eq(messageDeletions.id, id),
          gt(messageDeletions.createdAt, tooOld),
          lte(messageDeletions.notBefore, sql`now()`),
        ),
      )
      .returning();
    return row;
  }

  return {
    async plan(tx, sent, except) {
      const ids: number[] = [];
      for (const { platform, chatId, messageIds: all } of sent) {
        const messageIds = all.filter((id) => id !== except);
        if (messageIds.length === 0) continue;
        const [row] = await tx
          .insert(messageDeletions)
          .values({ platform, platformChatId: chatId, messageIds, notBefore: sql`now()` })
          .returning({ id: messageDeletions.id });
        if (row !== undefined) ids.push(row.id);
      }
      return ids;
    },

    async carryOut({ ids, signal } = {}) {
      const planned =
        ids ??
        (
          await db
            .select({ id: messageDeletions.id })
            .from(messageDeletions)
            .where(lte(messageDeletions.notBefore, sql`now()`))
            .limit(1_000)
        ).map((row) => row.id);
      let deleted = 0;
      let kept = 0;
      for (const id of planned) {
        if (signal?.aborted) break;
        const row = await take(id);
        if (row === undefined) continue;
        const platform = row.platform as PlatformName;
        const there = sender(platform);
        if (there === undefined) continue;
        const chat: ChatAddress = { platform, chatId: row.platformChatId, kind: 'direct' };
        const done = await there.deleteMessages(chat, row.messageIds);
        deleted += done;
        kept += row.messageIds.length - done;
        // What the platform kept it keeps: it was asked with patience.
        await db.delete(messageDeletions).where(eq(messageDeletions.id, id));
      }
      await db.delete(messageDeletions).where(lte(messageDeletions.createdAt, tooOld));
      return { deleted, kept };
    },
  };
}
