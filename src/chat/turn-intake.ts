/** Makes turns of messages for the bot: accepted, merged into a waiting turn, edited while waiting. */

import { randomUUID } from 'node:crypto';
import type { Database, Queryable } from '../db/client.ts';
import { and, desc, eq, inArray, isNull, lt, or, sql } from '../db/drizzle.ts';
import { deliveries, inbox, turns } from '../db/schema.ts';
import { detectKeys, scrub } from '../keys/detection.ts';
import type { Vault } from '../keys/vault.ts';
import { type Acceptance, CANCEL_CHANNEL, type Mailbox } from '../queue/mailbox.ts';
import type { ChatRow, Person } from './identities.ts';
import type { IncomingMessage } from './message.ts';
import {
  decodeTurnInput,
  encodeTurnInput,
  TURN_TEXT_LIMIT,
  type TurnInput,
  type TurnPart,
} from './turn-input.ts';

/** Message ids are numbers, some with more digits than a `number` holds. */
const byNumber = new Intl.Collator('en', { numeric: true });
/** Between the platform's dates of a comment and of what is forwarded with it, in milliseconds. */
const FORWARD_GAP_MS = 1_000;
/**
 * Of a text that was split the same key tells no two texts apart: what comes so long after the first
 * piece, by the platform's dates, and so long after the last wait ended, is another. In milliseconds.
 */
const SAME_WHOLE_MS = 10_000;
const STILL_OPEN_MS = 1_000;
/** How long more forwards are waited for, in milliseconds. */
const FORWARD_WAIT_MS = 500;

export type TurnIntakeResult =
  | Acceptance
  | { readonly result: 'merged'; readonly turnId: number; readonly waitMs: number }
  | { readonly result: 'too-long' }
  /** The pieces of a split message hold a key only when put together: the turn is cancelled. */
  | { readonly result: 'key'; readonly turnId: number; readonly messageIds: readonly string[] };

export type EditResult =
  | { readonly result: 'edited' | 'ignored' }
  | Extract<TurnIntakeResult, { readonly result: 'key' }>;

export interface TurnIntake {
  accept(message: IncomingMessage, person: Person, chat: ChatRow): Promise<TurnIntakeResult>;
  /**
   * Replaces the text of a message whose turn still waits.
   * @returns `ignored` where none does; `key` where it would make a key of pieces: nothing was changed
   */
  edit(message: IncomingMessage, person: Person): Promise<EditResult>;
  /**
   * A message is gone: a turn that waits loses that part, and is cancelled where it was the only
   * one; so is a running turn of which nothing was sent yet.
   */
  remove(
    message: Pick<IncomingMessage, 'chat' | 'messageId'>,
    chatIds: readonly number[],
  ): Promise<void>;
  /** Cancels the turn that the message is part of, if that is still open. */
  cancel(message: IncomingMessage, chat: ChatRow, reason: 'key'): Promise<void>;
}

export function createTurnIntake({
  db,
  vault,
  mailbox,
}: {
  readonly db: Database;
  readonly vault: Vault;
  readonly mailbox: Mailbox;
}): TurnIntake {
  const binding = (rowKey: string) => ({ purpose: 'turn-input' as const, row: rowKey });

  async function readInput(ownerId: number, row: { rowKey: string; input: Uint8Array }) {
    return decodeTurnInput(await vault.open(ownerId, binding(row.rowKey), row.input));
  }

  async function writeInput(
    on: Queryable,
    ownerId: number,
    row: { readonly id: number; readonly rowKey: string },
    input: TurnInput,
    waitMs: number,
  ): Promise<void> {
    const sealed = await vault.seal(ownerId, binding(row.rowKey), encodeTurnInput(input));
    await on
      .update(turns)
      .set({
        input: sealed,
        ...(waitMs > 0 ? { notBefore: sql`now() + ${waitMs}::int * interval '1 ms'` } : {}),
      })
      .where(eq(turns.id, row.id));
  }

  /** @returns undefined where there is no turn that the message belongs to */
  async function join(
    message: IncomingMessage,
    { userId, ownerId }: Person,
    chat: ChatRow,
  ): Promise<TurnIntakeResult | undefined> {
    const belongsTo = wholeOf(message);
    if (belongsTo === undefined) return undefined;
    // Opened before the transaction: the vault may need a connection of its own.
    await vault.seal(ownerId, binding(''), '');
    return db.transaction(async (tx) => {
      const [whole] = await tx
        .select({ id: turns.id, rowKey: turns.rowKey, input: turns.input, status: turns.status })
        .from(turns)
        .where(and(eq(turns.userId, userId), eq(turns.chatId, chat.id), belongsTo))
        .orderBy(desc(turns.id))
        .limit(1)
        .for('update');
      if (whole === undefined) return undefined;

      const fresh = await tx
        .insert(inbox)
        .values({
          platform: message.chat.platform,
          platformChatId: message.chat.chatId,
          messageId: message.messageId,
          outcome: 'turn',
          turnId: whole.id,
        })
        .onConflictDoNothing()
        .returning({ turnId: inbox.turnId });
      if (fresh.length === 0) return { result: 'duplicate' };

      const input = await readInput(ownerId, whole);
      const parts = [...input.parts, partOf(message)].sort((a, b) =>
        byNumber.compare(a.messageId, b.messageId),
      );
      if (detectKeys(parts.map((part) => part.text).join('')).length > 0) {
        const messageIds = parts.map((part) => part.messageId);
        return { result: 'key', turnId: whole.id, messageIds };
      }
      const waitMs = message.merge?.waitMs ?? FORWARD_WAIT_MS;
      const tooLong = input.tooLong === true || textLength(parts) > TURN_TEXT_LIMIT;
      const joined: TurnInput = tooLong ? { ...input, parts: [], tooLong } : { ...input, parts };
      await writeInput(tx, ownerId, whole, joined, waitMs);
      if (whole.status === 'running') await startOver(tx, whole.id);
      return { result: 'merged', turnId: whole.id, waitMs };
    });
  }

  async function turnOf({
    chat,
    messageId,
  }: Pick<IncomingMessage, 'chat' | 'messageId'>): Promise<number | undefined> {
    const [part] = await db
      .select({ turnId: inbox.turnId })
      .from(inbox)
      .where(
        and(
          eq(inbox.platform, chat.platform),
          eq(inbox.platformChatId, chat.chatId),
          eq(inbox.messageId, messageId),
        ),
      );
    return part?.turnId ?? undefined;
  }

  /** The turn whose answer or question the message replies to. */
  async function turnRepliedTo(
    { quoted, chat }: IncomingMessage,
    { id }: ChatRow,
  ): Promise<number | undefined> {
    if (quoted === undefined) return undefined;
    const [answered] = await db
      .select({ turnId: turns.id })
      .from(deliveries)
      .innerJoin(turns, eq(turns.id, deliveries.turnId))
      .where(and(eq(deliveries.messageId, quoted.messageId), eq(turns.chatId, id)))
      .orderBy(desc(turns.id))
      .limit(1);
    return answered?.turnId ?? turnOf({ chat, messageId: quoted.messageId });
  }

  /**
   * Takes a deleted message out of its turn.
   * @returns whether the turn goes on: with its other messages, or since something was sent already
   */
  async function isPartOnly(turnId: number, messageId: string): Promise<boolean> {
    const [owner] = await db.select({ id: turns.userId }).from(turns).where(eq(turns.id, turnId));
    if (owner === undefined) return true;
    // Opened before the transaction: the vault may need a connection of its own.
    await vault.seal(owner.id, binding(''), '');
    return db.transaction(async (tx) => {
      const [turn] = await tx
        .select()
        .from(turns)
        .where(and(eq(turns.id, turnId), inArray(turns.status, ['queued', 'running'])))
        .for('update');
      if (turn === undefined) return true;
      const input = await readInput(turn.userId, turn);
      const left = input.parts.filter((part) => part.messageId !== messageId);
      const [first] = left;
      if (turn.status === 'running') {
        const sent = await tx
          .select({ part: deliveries.part })
          .from(deliveries)
          .where(eq(deliveries.turnId, turnId))
          .limit(1);
        return first !== undefined || turn.answer !== null || sent.length > 0;
      }
      if (first === undefined) return turn.answeredAt !== null;
      await writeInput(tx, turn.userId, turn, { ...input, parts: left }, 0);
      if (turn.replyTo === messageId) {
        await tx.update(turns).set({ replyTo: first.messageId }).where(eq(turns.id, turnId));
      }
      return true;
    });
  }

  return {
    async accept(message, person, chat) {
      const { userId, ownerId } = person;
      if (message.text.length > TURN_TEXT_LIMIT) return { result: 'too-long' };
      const joined = await join(message, person, chat);
      if (joined?.result === 'key') {
        await mailbox.cancel({ turnId: joined.turnId, chatIds: [chat.id] }, 'key');
      }
      if (joined !== undefined) return joined;
      const rowKey = randomUUID();
      const input: TurnInput = {
        authorName: scrub(message.sender.displayName),
        parts: [partOf(message)],
        ...(message.replyHandle === undefined ? {} : { replyHandle: message.replyHandle }),
      };
      return mailbox.accept({
        platform: message.chat.platform,
        platformChatId: message.chat.chatId,
        messageId: message.messageId,
        userId,
        ...(ownerId === userId ? {} : { ownerId }),
        platformUserId: message.sender.platformUserId,
        chatId: chat.id,
        conversation: chat.conversation,
        rowKey,
        input: await vault.seal(ownerId, binding(rowKey), encodeTurnInput(input)),
        sentAt: message.sentAt,
        sentOrder: message.order,
        replyTo: message.messageId,
        followsTurnId: await turnRepliedTo(message, chat),
        isPrivate: message.answeredPrivately === true,
        mergeKey: message.merge?.key,
        waitMs: message.merge?.waitMs ?? 0,
      });
    },

    async edit(message, { userId, ownerId }) {
      await vault.seal(ownerId, binding(''), '');
      return db.transaction(async (tx) => {
        const [waiting] = await tx
          .select({ id: turns.id, rowKey: turns.rowKey, input: turns.input })
          .from(inbox)
          .innerJoin(turns, eq(turns.id, inbox.turnId))
          .where(
            and(
              eq(inbox.platform, message.chat.platform),
              eq(inbox.platformChatId, message.chat.chatId),
              eq(inbox.messageId, message.messageId),
              eq(turns.userId, userId),
              eq(turns.status, 'queued'),
            ),
          )
          .for('update', { of: turns });
        if (waiting === undefined) return { result: 'ignored' };
        const input = await readInput(ownerId, waiting);
        const parts = input.parts.map((part) =>
          part.messageId === message.messageId ? { ...part, text: partOf(message).text } : part,
        );
        if (textLength(parts) > TURN_TEXT_LIMIT) return { result: 'ignored' };
        if (detectKeys(parts.map((part) => part.text).join('')).length > 0) {
          const messageIds = parts.map((part) => part.messageId);
          return { result: 'key', turnId: waiting.id, messageIds };
        }
        await writeInput(tx, ownerId, waiting, { ...input, parts }, 0);
        return { result: 'edited' };
      });
    },

    async remove(message, chatIds) {
      const turnId = await turnOf(message);
      if (turnId === undefined || chatIds.length === 0) return;
      if (await isPartOnly(turnId, message.messageId)) return;
      await mailbox.cancel({ turnId, chatIds }, 'deleted');
    },

    async cancel(message, chat, reason) {
      const turnId = await turnOf(message);
      if (turnId === undefined) return;
      await mailbox.cancel({ turnId, chatIds: [chat.id] }, reason);
    },
  };
}

/** Which turn, if any, a message is a further part of. */
function wholeOf(message: IncomingMessage) {
  if (message.merge !== undefined) {
    return and(
      eq(turns.mergeKey, message.merge.key),
      eq(turns.status, 'queued'),
      or(
        sql`${turns.sentAt} >= ${message.sentAt.toISOString()}::timestamptz
            - ${SAME_WHOLE_MS}::int * interval '1 ms'`,
        sql`${turns.notBefore} > now() - ${STILL_OPEN_MS}::int * interval '1 ms'`,
      ),
    );
  }
  if (message.forwardedFrom === undefined || message.chat.kind !== 'direct') return undefined;
  // A comment is sent just before what is forwarded with it, and may have started already: as long
  // as nothing of an answer has come, it starts over with both.
  return and(
    inArray(turns.status, ['queued', 'running']),
    isNull(turns.answer),
    isNull(turns.answeredAt),
    lt(turns.sentOrder, message.order),
    sql`${turns.sentAt} >= ${message.sentAt.toISOString()}::timestamptz
        - ${FORWARD_GAP_MS}::int * interval '1 ms'`,
  );
}

/** Takes a running turn from its worker, which notices by its fence and is told at once. */
async function startOver(tx: Queryable, turnId: number): Promise<void> {
  await tx.update(turns).set({ status: 'queued', leaseUntil: null }).where(eq(turns.id, turnId));
  await tx.execute(sql`select pg_notify(${CANCEL_CHANNEL}, ${String(turnId)})`);
}

function partOf(message: IncomingMessage): TurnPart {
  return {
    messageId: message.messageId,
    text: message.text.toWellFormed(),
    files: [...message.files],
    ...(message.forwardedFrom === undefined ? {} : { forwardedFrom: scrub(message.forwardedFrom) }),
    ...(message.quoted === undefined
      ? {}
      : {
          quoted: {
            ...message.quoted,
            // Somebody else's message may hold a key too: that part of it goes nowhere.
            text: scrub(message.quoted.text.toWellFormed()),
            authorName: scrub(message.quoted.authorName),
            files: message.quoted.files.map((file) => ({ ...file, name: scrub(file.name) })),
          },
        }),
  };
}

function textLength(parts: readonly TurnPart[]): number {
  return parts.reduce((sum, part) => sum + part.text.length, 0);
}
