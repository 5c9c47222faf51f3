/** Turns for tests of the mailbox, without anything sealed in them. */

import { randomUUID } from 'node:crypto';
import type { Database } from '../../src/db/client.ts';
import { chats, identities, users } from '../../src/db/schema.ts';
import type { AcceptedTurn } from '../../src/queue/mailbox.ts';

export interface Who {
  readonly userId: number;
  readonly chatId: number;
  readonly platformChatId: string;
}

export async function userWithChat(db: Database): Promise<Who> {
  const platformChatId = randomUUID();
  const [user] = await db.insert(users).values({}).returning({ id: users.id });
  const [chat] = await db
    .insert(chats)
    .values({ platform: 'telegram', platformChatId, kind: 'direct' })
    .returning({ id: chats.id });
  if (user === undefined || chat === undefined) throw new Error('no rows');
  await db
    .insert(identities)
    .values({ platform: 'telegram', platformUserId: platformChatId, userId: user.id });
  return { userId: user.id, chatId: chat.id, platformChatId };
}

/** @param order dates the message, in seconds, and is its id */
export function turnFor(who: Who, order: number): AcceptedTurn {
  return {
    platform: 'telegram',
    platformChatId: who.platformChatId,
    messageId: String(order),
    userId: who.userId,
    platformUserId: who.platformChatId,
    chatId: who.chatId,
    conversation: 1,
    rowKey: randomUUID(),
    input: new Uint8Array([1]),
    sentAt: new Date(1_700_000_000_000 + order * 1000),
    sentOrder: order,
    replyTo: String(order),
    followsTurnId: undefined,
    isPrivate: false,
    mergeKey: undefined,
    waitMs: 0,
  };
}
