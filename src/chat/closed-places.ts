/** Places that are gone: what is open there ends, and who asked there is told so in private. */

import type { Database } from '../db/client.ts';
import { and, eq, gt, inArray, isNull, lt, or, sql } from '../db/drizzle.ts';
import { inbox, turns } from '../db/schema.ts';
import { type Log, serializeError } from '../log.ts';
import type { Mailbox } from '../queue/mailbox.ts';
import { generalText } from '../text/general.ts';
import type { PlatformName } from './message.ts';
import { PlatformError, type PlatformSender } from './platform.ts';

/** Milliseconds until those are told who could not be told for now. */
const RETRY_MS = 30_000;

export interface ClosedPlaces {
  /** Cancels all that is open in these chats. Those who asked are told, whatever becomes of this process. */
  close(chatIds: readonly number[], kind: 'direct' | 'group'): Promise<void>;
  /**
   * Tells those who are still to be told: by this process, or by one that closed the place more than
   * five seconds ago and may have died. Never throws.
   */
  tell(): Promise<void>;
  /** Resolves when nothing is under way. */
  stop(): Promise<void>;
}

export function createClosedPlaces({
  db,
  mailbox,
  sender,
  processId,
  log,
}: {
  readonly db: Database;
  readonly mailbox: Mailbox;
  readonly sender: (platform: PlatformName) => PlatformSender;
  /** Another one at each start. */
  readonly processId: string;
  readonly log: Log;
}): ClosedPlaces {
  let underWay: Promise<void> = Promise.resolve();
  let retry: NodeJS.Timeout | undefined;
  let isStopped = false;

  /** Before the turns are cancelled: a process that dies in between owes it all the same. */
  async function noteOwed(chatIds: readonly number[]): Promise<void> {
    await db.execute(sql`
      update inbox i set outcome = 'closed', handled_at = null, received_at = now(),
                         handler = ${processId}
      from turns t join chats c on c.id = t.chat_id
      where c.id = any(${`{${chatIds.join(',')}}`}::bigint[]) and t.status in ('queued', 'running')
        and i.platform = c.platform and i.platform_chat_id = c.platform_chat_id
        and i.turn_id = t.id`);
  }

  const isOwed = and(
    eq(inbox.outcome, 'closed'),
    isNull(inbox.handledAt),
    gt(inbox.receivedAt, sql`now() - interval '1 day'`),
    or(eq(inbox.handler, processId), lt(inbox.receivedAt, sql`now() - interval '5 seconds'`)),
  );

  /** @returns whether somebody could not be told for now */
  async function tellOwed(): Promise<boolean> {
    const owed = await db
      .select({
        turnId: turns.id,
        chatId: turns.chatId,
        status: turns.status,
        platform: inbox.platform,
        platformUserId: turns.platformUserId,
      })
      .from(inbox)
      .innerJoin(turns, eq(turns.id, inbox.turnId))
      .where(isOwed);
    const people = Map.groupBy(owed, (row) => `${row.platform} ${row.platformUserId}`);
    let isLeft = false;
    for (const rows of people.values()) {
      for (const { turnId, chatId, status } of rows) {
        const isOpen = status === 'queued' || status === 'running';
        if (isOpen && chatId !== null)
          await mailbox.cancel({ turnId, chatIds: [chatId] }, 'closed');
      }
      // What was answered, or given up with a notice of its own, in the same moment is told already.
      const [first] = rows.filter(({ status }) => status !== 'done' && status !== 'failed');
      if (first === undefined || (await isTold(first))) {
        const turnIds = rows.map(({ turnId }) => turnId);
        await db
          .update(inbox)
          .set({ handledAt: new Date() })
          .where(and(isOwed, inArray(inbox.turnId, turnIds)));
      } else isLeft = true;
    }
    return isLeft;
  }

  /** @returns also where they can't be reached at all */
  async function isTold(row: { readonly platform: string; readonly platformUserId: string }) {
    try {
      const platform = sender(row.platform as PlatformName);
      await platform.notify({ chat: platform.directChat(row) }, generalText.placeIsGone());
      return true;
    } catch (error) {
      log.warn({ error: serializeError(error) }, 'nobody could be told of a place that is gone');
      return error instanceof PlatformError && !error.retryable;
    }
  }

  const places: ClosedPlaces = {
    async close(chatIds, kind) {
      if (chatIds.length === 0) return;
      if (kind === 'group') await noteOwed(chatIds);
      await mailbox.cancel({ chatIds }, 'closed');
      if (kind === 'group') void places.tell();
    },
    tell() {
      underWay = underWay.then(async () => {
        if (isStopped) return;
        const isLeft = await tellOwed().catch((error: unknown) => {
          log.error({ error: serializeError(error) }, 'telling of places that are gone');
          return true;
        });
        clearTimeout(retry);
        if (!isLeft) return;
        retry = setTimeout(() => void places.tell(), RETRY_MS);
        retry.unref();
      });
      return underWay;
    },
    async stop() {
      isStopped = true;
      await underWay;
      clearTimeout(retry);
    },
  };
  return places;
}
