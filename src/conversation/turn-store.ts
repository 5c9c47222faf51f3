/** Reads and writes of running turns. Every write carries the fence: without it, nothing changes. */

import type { ChatAddress, PlatformName } from '../chat/message.ts';
import { decodeTurnInput, type TurnInput } from '../chat/turn-input.ts';
import type { Database, Queryable } from '../db/client.ts';
import { and, eq } from '../db/drizzle.ts';
import { chats, turns } from '../db/schema.ts';
import type { Funding } from '../funding/funding.ts';
import { type Vault, VaultError } from '../keys/vault.ts';
import type { Usage } from '../llm/provider.ts';
import type { Fence } from '../queue/mailbox.ts';
import type { Outcome } from '../text/outcomes.ts';

/** A turn that this process has claimed. */
export interface RunningTurn extends Fence {
  readonly userId: number;
  readonly platformUserId: string;
  readonly chatId: number;
  readonly chat: ChatAddress;
  readonly conversation: number;
  readonly rowKey: string;
  readonly replyTo: string;
  readonly createdAt: Date;
  readonly input: TurnInput;
  readonly cancelReason: string | null;
  /** What was shown so far, or the answer. */
  readonly answer: string;
  readonly outcome: string | null;
  /** What was said does not open: `input` and `answer` are empty. */
  readonly unreadable: boolean;
  readonly providerWasAsked: boolean;
  readonly answered: boolean;
  readonly deliveryTries: number;
  readonly provider: string | null;
  readonly model: string | null;
}

/** What the turn came to, before it is delivered. */
export interface TurnResult {
  /** Markdown; empty where there is only an outcome to tell. */
  readonly answer: string;
  readonly outcome: Outcome | null;
  readonly usage?: Usage;
  /** Absent: nothing was spent, or the model's price is unknown. */
  readonly costMicros?: number;
}

/** Another worker has taken the turn over: whatever this one does is void. */
export class FenceLost extends Error {
  override readonly name = 'FenceLost';
}

export interface TurnStore {
  read(fence: Fence): Promise<RunningTurn>;
  /** Records who pays, and that from now on money may be spent. @throws FenceLost */
  markCalled(turn: RunningTurn, funding: Funding): Promise<void>;
  /** Stores what is about to be shown. @throws FenceLost */
  checkpoint(turn: RunningTurn, markdown: string): Promise<void>;
  /**
   * The answer is whole; only its delivery remains.
   * @param settle what is to happen in the same transaction
   * @throws FenceLost
   */
  store(
    turn: RunningTurn,
    result: TurnResult,
    settle: (tx: Queryable) => Promise<void>,
  ): Promise<void>;
  /** @returns how often delivery was put off by now. @throws FenceLost */
  countDeliveryTry(turn: RunningTurn): Promise<number>;
}

export function createTurnStore({
  db,
  vault,
}: {
  readonly db: Database;
  readonly vault: Vault;
}): TurnStore {
  const held = (fence: Fence) =>
    and(eq(turns.id, fence.turnId), eq(turns.attempt, fence.attempt), eq(turns.status, 'running'));

  async function write(
    on: Queryable,
    fence: Fence,
    values: Partial<typeof turns.$inferInsert>,
  ): Promise<void> {
    const rows = await on.update(turns).set(values).where(held(fence)).returning({ id: turns.id });
    if (rows.length === 0) throw new FenceLost(`turn ${fence.turnId} was taken over`);
  }

  const sealAnswer = (turn: RunningTurn, markdown: string) =>
    vault.seal(turn.userId, { purpose: 'turn-answer', row: turn.rowKey }, markdown);

  async function openWords(
    turn: typeof turns.$inferSelect,
  ): Promise<Pick<RunningTurn, 'input' | 'answer' | 'unreadable'>> {
    const open = (purpose: 'turn-input' | 'turn-answer', sealed: Uint8Array) =>
      vault.open(turn.userId, { purpose, row: turn.rowKey }, sealed);
    try {
      return {
        input: decodeTurnInput(await open('turn-input', turn.input)),
        answer: turn.answer === null ? '' : await open('turn-answer', turn.answer),
        unreadable: false,
      };
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      return { input: { authorName: '', parts: [] }, answer: '', unreadable: true };
    }
  }

  return {
    async read(fence) {
      const [row] = await db
        .select()
        .from(turns)
        .innerJoin(chats, eq(chats.id, turns.chatId))
        .where(held(fence));
      if (row === undefined) throw new FenceLost(`turn ${fence.turnId} was taken over`);
      const { turns: turn, chats: chat } = row;
      return {
        ...fence,
        userId: turn.userId,
        platformUserId: turn.platformUserId,
        chatId: turn.chatId,
        chat: {
          platform: chat.platform as PlatformName,
          chatId: chat.platformChatId,
          kind: chat.kind,
          ...(chat.threadId === '' ? {} : { threadId: chat.threadId }),
        },
        conversation: turn.conversation,
        rowKey: turn.rowKey,
        replyTo: turn.replyTo,
        createdAt: turn.createdAt,
        ...(await openWords(turn)),
        cancelReason: turn.cancelReason,
        outcome: turn.outcome,
        providerWasAsked: turn.calledAt !== null,
        answered: turn.answeredAt !== null,
        deliveryTries: turn.deliveryTries,
        provider: turn.provider,
        model: turn.model,
      };
    },

    markCalled: (turn, funding) =>
      write(db, turn, {
        calledAt: new Date(),
        funding: funding.kind,
        provider: funding.provider,
        model: funding.model,
      }),

    async checkpoint(turn, markdown) {
      await write(db, turn, { answer: await sealAnswer(turn, markdown) });
    },

    async store(turn, result, settle) {
      const answer = result.answer === '' ? null : await sealAnswer(turn, result.answer);
      await db.transaction(async (tx) => {
        await write(tx, turn, {
          answer,
          answeredAt: new Date(),
          outcome: result.outcome,
          inputTokens: result.usage?.inputTokens ?? null,
          cachedInputTokens: result.usage?.cachedInputTokens ?? null,
          outputTokens: result.usage?.outputTokens ?? null,
          costMicros: result.costMicros ?? null,
        });
        await settle(tx);
      });
    },

    async countDeliveryTry(turn) {
      const deliveryTries = turn.deliveryTries + 1;
      await write(db, turn, { deliveryTries });
      return deliveryTries;
    },
  };
}
