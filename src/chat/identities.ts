/** Which user and which chat a message belongs to; both are made at the first message. */

import type { Database, Queryable } from '../db/client.ts';
import { and, eq, sql } from '../db/drizzle.ts';
import { chats, identities, turns, users } from '../db/schema.ts';
import type { ChatAddress, PlatformName } from './message.ts';

export interface ChatRow {
  readonly id: number;
  readonly conversation: number;
}

export interface Identities {
  userOf(platform: PlatformName, platformUserId: string): Promise<number>;
  /** @returns undefined for somebody who is not known (any more); makes no user */
  find(platform: PlatformName, platformUserId: string): Promise<number | undefined>;
  chatOf(chat: ChatAddress): Promise<ChatRow>;
  /** Starts the chat's conversation afresh: nothing said before is context any more. */
  newConversation(chat: ChatAddress): Promise<void>;
  /** A group got another id: its threads, history and waiting turns move with it. */
  migrate(from: ChatAddress, to: ChatAddress): Promise<void>;
  /** Ids of the chat and all its threads. */
  chatIds(chat: Pick<ChatAddress, 'platform' | 'chatId'>): Promise<readonly number[]>;
}

export function createIdentities({
  db,
  onMade,
}: {
  readonly db: Database;
  /** Runs in the transaction that makes a user, behind the row of the identity. */
  readonly onMade?: (
    tx: Queryable,
    identity: { readonly platform: PlatformName; readonly platformUserId: string },
    userId: number,
  ) => Promise<void>;
}): Identities {
  const at = (chat: ChatAddress) =>
    and(
      eq(chats.platform, chat.platform),
      eq(chats.platformChatId, chat.chatId),
      eq(chats.threadId, chat.threadId ?? ''),
    );

  async function findUser(platform: PlatformName, platformUserId: string) {
    const [known] = await db
      .select({ userId: identities.userId })
      .from(identities)
      .where(and(eq(identities.platform, platform), eq(identities.platformUserId, platformUserId)));
    return known?.userId;
  }

  return {
    find: findUser,

    async userOf(platform, platformUserId) {
      const known = await findUser(platform, platformUserId);
      if (known !== undefined) return known;
      // Two first messages at once: the second insert waits for the first, does nothing, and the
      // user made for it is rolled back.
      const made = await db.transaction(async (tx) => {
        const [user] = await tx.insert(users).values({}).returning({ id: users.id });
        if (user === undefined) throw new Error('an insert returned no row');
        const inserted = await tx
          .insert(identities)
          .values({ platform, platformUserId, userId: user.id })
          .onConflictDoNothing()
          .returning({ userId: identities.userId });
        if (inserted.length === 0) await tx.delete(users).where(eq(users.id, user.id));
        else await onMade?.(tx, { platform, platformUserId }, user.id);
        return inserted[0]?.userId;
      });
      const userId = made ?? (await findUser(platform, platformUserId));
      if (userId === undefined) throw new Error('an identity vanished while it was made');
      return userId;
    },

    async chatOf(chat) {
      const columns = { id: chats.id, conversation: chats.conversation };
      const [known] = await db.select(columns).from(chats).where(at(chat));
      if (known !== undefined) return known;
      const [made] = await db
        .insert(chats)
        .values({
          platform: chat.platform,
          platformChatId: chat.chatId,
          threadId: chat.threadId ?? '',
          kind: chat.kind,
        })
        .onConflictDoUpdate({
          target: [chats.platform, chats.platformChatId, chats.threadId],
          set: { kind: chat.kind },
        })
        .returning(columns);
      if (made === undefined) throw new Error('an upsert returned no row');
      return made;
    },

    async newConversation(chat) {
      const { id } = await this.chatOf(chat);
      await db
        .update(chats)
        .set({ conversation: sql`${chats.conversation} + 1` })
        .where(eq(chats.id, id));
    },

    async migrate(from, to) {
      const old = await db
        .select()
        .from(chats)
        .where(and(eq(chats.platform, from.platform), eq(chats.platformChatId, from.chatId)));
      for (const chat of old) {
        await db.transaction(async (tx) => {
          const [met] = await tx
            .select()
            .from(chats)
            .where(at({ ...to, threadId: chat.threadId }))
            .for('update');
          if (met === undefined) {
            await tx.update(chats).set({ platformChatId: to.chatId }).where(eq(chats.id, chat.id));
            return;
          }
          // Somebody wrote under the new id before the news of the migration came.
          const conversation = chat.conversation;
          await tx.update(turns).set({ conversation }).where(eq(turns.chatId, met.id));
          await tx.update(turns).set({ chatId: met.id }).where(eq(turns.chatId, chat.id));
          await tx.update(chats).set({ conversation }).where(eq(chats.id, met.id));
          await tx.delete(chats).where(eq(chats.id, chat.id));
        });
      }
    },

    async chatIds(chat) {
      const rows = await db
        .select({ id: chats.id })
        .from(chats)
        .where(and(eq(chats.platform, chat.platform), eq(chats.platformChatId, chat.chatId)));
      return rows.map((row) => row.id);
    },
  };
}
