/** Which user and which chat a message belongs to; both are made at the first message. */

import DataLoader from 'dataloader';
import { type Database, DatabaseError, type Queryable } from '../db/client.ts';
import { and, eq, sql } from '../db/drizzle.ts';
import { chatSettings, chats, identities, keyPrompts, turns, users } from '../db/schema.ts';
import { builtOnce } from '../db/statement.ts';
import { isWaiting } from '../keys/key-prompts.ts';
import { findPerson, findUser } from '../users/accounts.ts';
import type { ChatRules } from './chat-rules.ts';
import {
  createChatSettings,
  JOIN_SETTINGS,
  moveChatSettings,
  rulesOf,
  SETTINGS_OF_CHAT,
} from './chat-settings.ts';
import type { ChatAddress, PlatformName, Sender } from './message.ts';

export interface ChatRow {
  readonly id: number;
  readonly conversation: number;
  readonly rules: ChatRules;
}

/** Whom an identity belongs to. */
export interface Person {
  /** Whose keys, allowance, settings and mailbox it uses. */
  readonly userId: number;
  /** Under whose data key its words and keys are sealed: another only while it is linked. */
  readonly ownerId: number;
}

/** What is known of a message's sender and chat. */
export interface Acquaintance {
  readonly person: Person;
  /** Absent until something of the chat was to be kept. */
  readonly chat?: ChatRow;
  /** A guided /setkey of the sender's is open, so that a message in private is a key. */
  readonly isKeyAwaited: boolean;
}

export interface Identities {
  /** Makes the user, where there is none yet; one statement for all at once who have written before. */
  know(sender: Pick<Sender, 'platformUserId'>, chat: ChatAddress): Promise<Acquaintance>;
  personOf(platform: PlatformName, platformUserId: string): Promise<Person>;
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
  /** The id of a thread alone; where the address names none, as {@link chatIds}. */
  placeIds(chat: ChatAddress): Promise<readonly number[]>;
}

interface KnownRow {
  /** Which of those asked, from 1. */
  readonly at: number;
  readonly userId: number;
  readonly ownUserId: number | null;
  readonly chatId: number | null;
  readonly conversation: number | null;
  readonly wholeId: string | null;
  readonly settings: typeof chatSettings.$inferSelect | null;
  readonly isKeyAwaited: boolean;
}

interface Asked {
  readonly platform: string;
  readonly platformUserId: string;
  readonly chatId: string;
  readonly threadId: string;
}

const KNOWN = builtOnce<
  {
    /** JSON of {@link Asked} */
    readonly asked: string;
    /** ISO */
    readonly now: string;
  },
  KnownRow
>(
  (place) => sql`
    select asked.at::int, known.*
    from rows from (json_to_recordset(${place('asked')}::json)
           as (platform text, "platformUserId" text, "chatId" text, "threadId" text))
      with ordinality as asked (platform, "platformUserId", "chatId", "threadId", at)
    cross join lateral (
      select i.user_id as "userId", i.own_user_id as "ownUserId", c.id as "chatId",
             c.conversation, c.whole_id as "wholeId", ${SETTINGS_OF_CHAT} as settings,
             exists (select from key_prompts
                     where platform = i.platform and platform_user_id = i.platform_user_id
                       and ${isWaiting(keyPrompts.expiresAt, sql`${place('now')}`)}) as "isKeyAwaited"
      from identities i
      left join chats c on c.platform = asked.platform and c.platform_chat_id = asked."chatId"
        and c.thread_id = asked."threadId"
      ${JOIN_SETTINGS}
      where i.platform = asked.platform and i.platform_user_id = asked."platformUserId"
      -- Each by the indexes, however few are asked for: no plan reads all of a table.
      limit 1
    ) known`,
);

/** So many at most are looked up by one statement. */
const TOGETHER = 100;

export function createIdentities({
  db,
  onMade,
  now = () => new Date(),
}: {
  readonly db: Database;
  /** The clock that prompts for a key were opened by. */
  readonly now?: () => Date;
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

  const lookUp = (asked: readonly Asked[]) =>
    KNOWN(db, { asked: JSON.stringify(asked), now: now().toISOString() });
  // Messages come in bursts: what came in one turn of the event loop is looked up together.
  const known = new DataLoader<Asked, KnownRow | undefined>(
    async (asked) => {
      try {
        const found = new Map((await lookUp(asked)).map((row) => [row.at, row]));
        return asked.map((_, index) => found.get(index + 1));
      } catch (error) {
        // What PostgreSQL does not take of one must not keep the others out.
        if (asked.length === 1 || !(error instanceof DatabaseError) || error.connectionLost) {
          throw error;
        }
        const alone = await Promise.allSettled(asked.map(async (one) => (await lookUp([one]))[0]));
        return alone.map((one) => (one.status === 'fulfilled' ? one.value : one.reason));
      }
    },
    { cache: false, maxBatchSize: TOGETHER, batchScheduleFn: (look) => setImmediate(look) },
  );

  return {
    async find(platform, platformUserId) {
      return findUser(db, { platform, platformUserId });
    },

    async know({ platformUserId }, chat) {
      const row = await known.load({
        platform: chat.platform,
        platformUserId,
        chatId: chat.chatId,
        threadId: chat.threadId ?? '',
      });
      if (row === undefined) {
        const person = await this.personOf(chat.platform, platformUserId);
        return { person, isKeyAwaited: false };
      }
      const { userId, ownUserId, chatId: id, conversation, wholeId, settings } = row;
      const isChatKnown =
        id !== null && conversation !== null && wholeId === (chat.wholeId ?? wholeId);
      return {
        person: { userId, ownerId: ownUserId ?? userId },
        isKeyAwaited: chat.kind === 'direct' && row.isKeyAwaited,
        ...(isChatKnown ? { chat: { id, conversation, rules: rulesOf(settings) } } : {}),
      };
    },

    async personOf(platform, platformUserId) {
      const known = await findPerson(db, { platform, platformUserId });
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
      if (made !== undefined) return { userId: made, ownerId: made };
      const person = await findPerson(db, { platform, platformUserId });
      if (person === undefined) throw new Error('an identity vanished while it was made');
      return person;
    },

    async userOf(platform, platformUserId) {
      return (await this.personOf(platform, platformUserId)).userId;
    },

    async chatOf(chat) {
      const columns = { id: chats.id, conversation: chats.conversation, wholeId: chats.wholeId };
      const { wholeId = '' } = chat;
      const [known] = await db
        .select({ ...columns, settings: chatSettings })
        .from(chats)
        .leftJoin(chatSettings, and(...settingsOfChat))
        .where(at(chat));
      if (known !== undefined && (chat.wholeId === undefined || known.wholeId === wholeId)) {
        return { ...known, rules: rulesOf(known.settings) };
      }
      const [made] = await db
        .insert(chats)
        .values({
          platform: chat.platform,
          platformChatId: chat.chatId,
          threadId: chat.threadId ?? '',
          kind: chat.kind,
          wholeId,
        })
        .onConflictDoUpdate({
          target: [chats.platform, chats.platformChatId, chats.threadId],
          set: { kind: chat.kind, ...(chat.wholeId === undefined ? {} : { wholeId }) },
        })
        .returning(columns);
      if (made === undefined) throw new Error('an upsert returned no row');
      return { ...made, rules: await createChatSettings({ db }).read(chat) };
    },

    async newConversation(chat) {
      const { id } = await this.chatOf(chat);
      await db
        .update(chats)
        .set({ conversation: sql`${chats.conversation} + 1` })
        .where(eq(chats.id, id));
    },

    async migrate(from, to) {
      await db.transaction((tx) => moveChatSettings(tx, from, to));
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

    async placeIds(chat) {
      if (chat.threadId === undefined) return this.chatIds(chat);
      const rows = await db.select({ id: chats.id }).from(chats).where(at(chat));
      return rows.map((row) => row.id);
    },
  };
}

/** Joins `chat_settings` to `chats`. */
const settingsOfChat = [
  eq(chatSettings.platform, chats.platform),
  eq(
    chatSettings.wholeId,
    sql`case when ${chats.wholeId} = '' then ${chats.platformChatId} else ${chats.wholeId} end`,
  ),
] as const;
