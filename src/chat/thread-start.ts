/** A thread that was begun at a message goes on with what that message is about. */

import type { Database } from '../db/client.ts';
import { and, desc, eq } from '../db/drizzle.ts';
import { chats, deliveries, inbox, turns } from '../db/schema.ts';
import type { ChatAddress } from './message.ts';

export interface ThreadStart {
  readonly chatId: number;
  readonly conversation: number;
  readonly turnId: number;
  readonly userId: number;
}

/**
 * The turn of the channel at whose question or answer the thread begins. Platforms whose threads
 * begin at messages give a thread the id of its message.
 * @returns undefined where it begins at neither
 */
export async function threadStart(
  db: Database,
  { platform, chatId, threadId }: ChatAddress,
): Promise<ThreadStart | undefined> {
  if (threadId === undefined) return undefined;
  const inChannel = and(
    eq(chats.platform, platform),
    eq(chats.platformChatId, chatId),
    eq(chats.threadId, ''),
  );
  const start = {
    turnId: turns.id,
    userId: turns.userId,
    chatId: chats.id,
    conversation: turns.conversation,
  };
  const [asked] = await db
    .select(start)
    .from(inbox)
    .innerJoin(turns, eq(turns.id, inbox.turnId))
    .innerJoin(chats, and(eq(chats.id, turns.chatId), inChannel))
    .where(
      and(
        eq(inbox.platform, platform),
        eq(inbox.platformChatId, chatId),
        eq(inbox.messageId, threadId),
      ),
    );
  if (asked !== undefined) return asked;
  const [answered] = await db
    .select(start)
    .from(deliveries)
    .innerJoin(turns, eq(turns.id, deliveries.turnId))
    .innerJoin(chats, and(eq(chats.id, turns.chatId), inChannel))
    .where(eq(deliveries.messageId, threadId))
    .orderBy(desc(turns.id))
    .limit(1);
  return answered;
}
