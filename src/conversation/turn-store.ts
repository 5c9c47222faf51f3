/** Reads and writes of running turns. Every write carries the fence: without it, nothing changes. */

import type { ChatRules } from '../chat/chat-rules.ts';
import { rulesOf } from '../chat/chat-settings.ts';
import type { ChatAddress, PlatformName } from '../chat/message.ts';
import { decodeTurnInput, type TurnInput } from '../chat/turn-input.ts';
import type { Database } from '../db/client.ts';
import { and, eq, sql } from '../db/drizzle.ts';
import { turns } from '../db/schema.ts';
import { builtOnce } from '../db/statement.ts';
import type { HouseSpent } from '../funding/funding.ts';
import type { FundingKind } from '../funding/ledger.ts';
import type { PayerOrder } from '../funding/payers.ts';
import type { DatedSettlement } from '../funding/settlement.ts';
import { type Vault, VaultError } from '../keys/vault.ts';
import type { Usage } from '../llm/provider.ts';
import type { Claim, Fence } from '../queue/mailbox.ts';
import { selectTurns, type TurnRow } from '../queue/turn-row.ts';
import type { Outcome } from '../text/outcomes.ts';
import { STORE, STORE_AND_SETTLE } from './turn-storing.ts';

/** A turn that this process has claimed. */
export interface RunningTurn extends Fence {
  readonly userId: number;
  /** Under whose data key its words are sealed. */
  readonly ownerId: number;
  readonly platformUserId: string;
  readonly chatId: number;
  readonly chat: ChatAddress;
  readonly rules: ChatRules;
  /** The user wants to read below private answers what they cost. */
  readonly showCost: boolean;
  readonly payerOrder: PayerOrder;
  /** Whom the user chose to pay, where they were asked. */
  readonly payerChoice: FundingKind | null;
  /** Of what there is anything that could pay, whether or not it can. */
  readonly has: ReadonlySet<FundingKind>;
  /** Who paid for the user's last answer but this turn's. */
  readonly lastPayer: { readonly kind: FundingKind; readonly id: number | null } | undefined;
  /** The user agreed that others' words in a group are sent along on their key. */
  readonly agreesToGroups: boolean;
  /** Anybody is: whether this user is, has to be looked up. */
  readonly anySuspension: boolean;
  readonly conversation: number;
  readonly rowKey: string;
  readonly replyTo: string;
  readonly createdAt: Date;
  readonly input: TurnInput;
  /** What {@link input} was opened from. */
  readonly sealedInput: Uint8Array;
  /** The turn of the same chat whose question or answer this one replies to. */
  readonly followsTurnId: number | null;
  /** In a group, nobody but the sender sees the answer. */
  readonly isPrivate: boolean;
  readonly cancelReason: string | null;
  /** What was shown so far, or the answer. */
  readonly answer: string;
  readonly outcome: string | null;
  /** What was said does not open: `input` and `answer` are empty. */
  readonly unreadable: boolean;
  readonly costNote: string | null;
  readonly providerWasAsked: boolean;
  readonly answered: boolean;
  readonly deliveryTries: number;
  /** Who paid when the provider was asked. */
  readonly paidBy: string | null;
  readonly provider: string | null;
  readonly model: string | null;
}

/** What the turn came to, before it is delivered. */
export interface TurnResult {
  /** Markdown; empty where there is only an outcome to tell. */
  readonly answer: string;
  readonly outcome: Outcome | null;
  /** Shown below the answer. */
  readonly costNote?: string;
  readonly usage?: Usage;
  /** Absent: nothing was spent, or the model's price is unknown. */
  readonly costMicros?: number;
  /** It was counted at a price that the operator assumes. */
  readonly priceAssumed?: boolean;
}

/** Another worker has taken the turn over: whatever this one does is void. */
export class FenceLost extends Error {
  override readonly name = 'FenceLost';
}

export interface TurnStore {
  /** What was read with the claim. */
  open(claim: Claim): Promise<RunningTurn>;
  /** As it is by now. @throws FenceLost */
  read(fence: Fence): Promise<RunningTurn>;
  /** Stores what is about to be shown. @throws FenceLost */
  checkpoint(turn: RunningTurn, markdown: string): Promise<void>;
  /**
   * The answer is whole; only its delivery remains.
   * @param settlement takes effect with it: see `Ledger.settlement`
   * @returns what of the house's day is spent by then, where the turn was settled in it
   * @throws FenceLost
   */
  store(
    turn: RunningTurn,
    result: TurnResult,
    settlement?: DatedSettlement,
  ): Promise<HouseSpent | undefined>;
  /** @returns how often delivery was put off by now. @throws FenceLost */
  countDeliveryTry(turn: RunningTurn): Promise<number>;
}

const READ = builtOnce<{ readonly turnId: number; readonly attempt: number }, TurnRow>(
  (place) => sql`
    with held as (
      select * from turns
      where id = ${place('turnId')} and attempt = ${place('attempt')} and status = 'running'
    )
    ${selectTurns(sql`held`)}`,
);

const CHECKPOINT = builtOnce<
  { readonly turnId: number; readonly attempt: number; readonly answer: Uint8Array },
  { readonly id: number }
>(
  (place) => sql`
    update turns set answer = ${place('answer')}::bytea
    where id = ${place('turnId')} and attempt = ${place('attempt')} and status = 'running'
    returning id`,
);

export function createTurnStore({
  db,
  vault,
}: {
  readonly db: Database;
  readonly vault: Vault;
}): TurnStore {
  const sealAnswer = (turn: RunningTurn, markdown: string) =>
    vault.seal(turn.ownerId, { purpose: 'turn-answer', row: turn.rowKey }, markdown);

  async function openWords(
    { rowKey, input, answer }: TurnRow,
    ownerId: number,
  ): Promise<Pick<RunningTurn, 'input' | 'answer' | 'unreadable'>> {
    const open = (purpose: 'turn-input' | 'turn-answer', sealed: Uint8Array) =>
      vault.open(ownerId, { purpose, row: rowKey }, sealed);
    try {
      return {
        input: decodeTurnInput(await open('turn-input', input)),
        answer: answer === null ? '' : await open('turn-answer', answer),
        unreadable: false,
      };
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      return { input: { authorName: '', parts: [] }, answer: '', unreadable: true };
    }
  }

  async function opened(row: TurnRow): Promise<RunningTurn> {
    const ownerId = row.ownerId ?? row.userId;
    const { lastFunding } = row;
    return {
      turnId: row.id,
      attempt: row.attempt,
      userId: row.userId,
      ownerId,
      platformUserId: row.platformUserId,
      chatId: row.chatId,
      chat: {
        platform: row.platform as PlatformName,
        chatId: row.platformChatId,
        kind: row.chatKind,
        ...(row.threadId === '' ? {} : { threadId: row.threadId }),
        ...(row.wholeId === '' ? {} : { wholeId: row.wholeId }),
      },
      rules: rulesOf(row.settings),
      showCost: row.showCost,
      payerOrder: row.payerOrder,
      payerChoice: row.payerChoice,
      has: new Set<FundingKind>([
        ...(row.hasOwn ? (['own'] as const) : []),
        ...(row.hasPool ? (['pool'] as const) : []),
        ...(row.hasCredit ? (['credit'] as const) : []),
        'house',
      ]),
      lastPayer: lastFunding === null ? undefined : { kind: lastFunding, id: row.lastFundingId },
      agreesToGroups: row.agreesToGroups,
      anySuspension: row.anySuspension,
      conversation: row.conversation,
      rowKey: row.rowKey,
      replyTo: row.replyTo,
      createdAt: new Date(row.createdAt),
      ...(await openWords(row, ownerId)),
      sealedInput: row.input,
      followsTurnId: row.followsTurnId,
      isPrivate: row.isPrivate,
      cancelReason: row.cancelReason,
      outcome: row.outcome,
      costNote: row.costNote,
      providerWasAsked: row.wasCalled,
      answered: row.wasAnswered,
      deliveryTries: row.deliveryTries,
      paidBy: row.funding,
      provider: row.provider,
      model: row.model,
    };
  }

  return {
    open: ({ row }) => opened(row),

    async read({ turnId, attempt }) {
      const [row] = await READ(db, { turnId, attempt });
      if (row === undefined) throw new FenceLost(`turn ${turnId} was taken over`);
      return opened(row);
    },

    async checkpoint(turn, markdown) {
      const { turnId, attempt } = turn;
      const rows = await CHECKPOINT(db, {
        turnId,
        attempt,
        answer: await sealAnswer(turn, markdown),
      });
      if (rows.length === 0) throw new FenceLost(`turn ${turnId} was taken over`);
    },

    async store(turn, result, settlement) {
      const { answer, outcome, usage, costMicros, costNote, priceAssumed = false } = result;
      const { turnId, attempt } = turn;
      const values = {
        turnId,
        attempt,
        answer: answer === '' ? null : await sealAnswer(turn, answer),
        outcome,
        costNote: costNote ?? null,
        inputTokens: usage?.inputTokens ?? null,
        cachedInputTokens: usage?.cachedInputTokens ?? null,
        outputTokens: usage?.outputTokens ?? null,
        costMicros: costMicros ?? null,
        priceAssumed: priceAssumed && costMicros !== undefined,
      };
      const [row] = await (settlement === undefined
        ? STORE(db, values)
        : STORE_AND_SETTLE(db, { ...values, ...settlement }));
      if (row === undefined) throw new FenceLost(`turn ${turnId} was taken over`);
      const { houseMicros = null, houseStarts = null } = row;
      if (houseMicros === null || houseStarts === null) return undefined;
      return { spentMicros: houseMicros, starts: new Date(houseStarts) };
    },

    async countDeliveryTry(turn) {
      const deliveryTries = turn.deliveryTries + 1;
      const rows = await db
        .update(turns)
        .set({ deliveryTries })
        .where(
          and(
            eq(turns.id, turn.turnId),
            eq(turns.attempt, turn.attempt),
            eq(turns.status, 'running'),
          ),
        )
        .returning({ id: turns.id });
      if (rows.length === 0) throw new FenceLost(`turn ${turn.turnId} was taken over`);
      return deliveryTries;
    },
  };
}
