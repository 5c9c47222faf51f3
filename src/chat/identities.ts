/** Which user and which chat a message belongs to; both are made at the first message. */

import type { Database } from '../db/client.ts';
import { and, eq, exists, gt, sql } from '../db/drizzle.ts';
import { chats, identities, keyPrompts, turns, users } from '../db/schema.ts';
import type { ChatAddress, PlatformName, Sender } from './message.ts';

export interface ChatRow {
  readonly id: number;
  readonly conversation: number;
}

/** What is known of a message's sender and chat. */
export interface Acquaintance {
  readonly userId: number;
  /** Absent until something of the chat was to be kept. */
  readonly chat?: ChatRow;
  /** A guided /setkey of the sender's is open, so that a message in private is a key. */
  readonly isKeyAwaited: boolean;
}

export interface Identities {
  /** Makes the user, where there is none yet; one statement for those who have written before. */
  know(sender: Pick<Sender, 'platformUserId'>, chat: ChatAddress): Promise<Acquaintance>;
  userOf(platform: PlatformName, platformUserId: string): Promise<number>;
  chatOf(chat: ChatAddress): Promise<ChatRow>;
  /** Starts the chat's conversation afresh: nothing said before is context any more. */
  newConversation(chat: ChatAddress): Promise<void>;
  /** A group got another id: its threads, history and waiting turns move with it. */
  migrate(from: ChatAddress, to: ChatAddress): Promise<void>;
  /** Ids of the chat and all its threads. */
  chatIds(chat: Pick<ChatAddress, 'platform' | 'chatId'>): Promise<readonly number[]>;
}

export function createIdentities({ db }: { readonly db: Database }): Identities {
  const at = (chat: ChatAddress) =>
    and(
      eq(chats.platform, chat.platform),
      eq(chats.platformChatId, chat.chatId),
      eq(chats.threadId, chat.threadId ?? ''),
    );

  const identityOf = (platform: PlatformName, platformUserId: string) =>
    and(eq(identities.platform, platform), eq(identities.platformUserId, platformUserId));

  async function findUser(platform: PlatformName, platformUserId: string) {
    const [known] = await db
      .select({ userId: identities.userId })
      .from(identities)
      .where(identityOf(platform, platformUserId));
    return known?.userId;
  }

  return {
    async know({ platformUserId }, chat) {
      const [known] = await db
        .select({
          userId: identities.userId,
          chatId: chats.id,
          conversation: chats.conversation,
          isKeyAwaited: exists(
            db
              .select({ platform: keyPrompts.platform })
              .from(keyPrompts)
              .where(
                and(
                  eq(keyPrompts.platform, chat.platform),
                  eq(keyPrompts.platformUserId, platformUserId),
                  gt(keyPrompts.expiresAt, sql`now()`),
                ),
              ),
          ),
        })
        .from(identities)
        .leftJoin(chats, at(chat))
        .where(identityOf(chat.platform, platformUserId));
      if (known === undefined) {
        return { userId: await this.userOf(chat.platform, platformUserId), isKeyAwaited: false };
      }
      const { userId, chatId, conversation } = known;
      return {
        userId,
        isKeyAwaited: chat.kind === 'direct' && known.isKeyAwaited === true,
        ...(chatId === null || conversation === null ? {} : { chat: { id: chatId, conversation } }),
      };
    },

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
