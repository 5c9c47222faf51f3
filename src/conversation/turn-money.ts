/** What a turn may cost and did cost: set aside before the provider is asked, settled after it. */

import { type ChatRules, wholeOf } from '../chat/chat-rules.ts';
import type { SQL } from '../db/drizzle.ts';
import type { Allowance, AllowanceRefusal, ChatCap } from '../funding/allowance.ts';
import type { Funding } from '../funding/funding.ts';
import type { OwnLimit, OwnLimitRefusal } from '../funding/own-limit.ts';
import type { Price, Prices } from '../funding/prices.ts';
import type { ModelRequest } from './request.ts';
import { FenceLost, type RunningTurn, type TurnStore } from './turn-store.ts';

export interface TurnMoneyParts {
  readonly allowance: Allowance;
  readonly ownLimit: OwnLimit;
  readonly prices: Prices;
  readonly store: Pick<TurnStore, 'markCalled'>;
}

export type Reserved =
  | { readonly ok: true; readonly maxOutputTokens: number; readonly amountMicros: number }
  | { readonly ok: false; readonly reason: AllowanceRefusal | OwnLimitRefusal };

/** Of the house: from its allowance. Of an own key: from its user's limit, where one is set. */
export interface TurnMoney {
  /**
   * Sets aside the most that the call can cost, clamps the output to what is left, and records
   * that from now on money may be spent.
   * @throws FenceLost
   */
  reserve(
    turn: RunningTurn,
    funding: Funding,
    price: Price | undefined,
    request: ModelRequest,
  ): Promise<Reserved>;
  /** See `Allowance.settlement`. */
  settlement(
    turn: RunningTurn,
    paidBy: Funding['kind'],
    spentMicros: number,
    answered: boolean,
  ): SQL;
  /** What attempts before this one left behind when their worker died. */
  settleLost(
    turn: { readonly turnId: number; readonly attempt: number },
    providerWasAsked: boolean,
  ): Promise<void>;
}

export function createTurnMoney(parts: TurnMoneyParts): TurnMoney {
  const { allowance, ownLimit, prices, store } = parts;
  return {
    async reserve(turn, funding, price, { inputTokens, maxOutputTokens }) {
      const cost = price && {
        inputMicros: prices.costMicros(price, {
          inputTokens,
          cachedInputTokens: 0,
          cacheWriteTokens: inputTokens,
          outputTokens: 0,
        }),
        outputMicrosPerMillion: prices.ratesFor(price, inputTokens).output,
      };
      const attempt = { turnId: turn.turnId, attempt: turn.attempt, userId: turn.userId };
      const taken = async () => {
        if (funding.kind === 'own') {
          await store.markCalled(turn, funding);
          return ownLimit.reserve(attempt, maxOutputTokens, cost);
        }
        if (cost === undefined) throw new Error('the house model has no price');
        const { provider, model } = funding;
        const chat = capOf(turn.chat, turn.rules);
        return allowance.reserve({
          ...attempt,
          ...cost,
          provider,
          model,
          maxOutputTokens,
          ...chat,
        });
      };
      const reserved = await taken();
      if (reserved.ok) return reserved;
      const { reason } = reserved;
      if (reason === 'taken-over') throw new FenceLost(`turn ${turn.turnId} was taken over`);
      return { ok: false, reason };
    },

    settlement: ({ turnId, attempt, userId }, paidBy, spentMicros, answered) =>
      (paidBy === 'own' ? ownLimit : allowance).settlement(
        { turnId, attempt, userId, spentMicros, answered },
        'stored',
      ),

    async settleLost(turn, providerWasAsked) {
      await allowance.settleLost(turn, providerWasAsked);
      await ownLimit.settleLost(turn, providerWasAsked);
    },
  };
}

/** The cap of the chat, where it has one. */
function capOf(
  chat: RunningTurn['chat'],
  { turnsPerDay, microsPerDay }: ChatRules,
): { readonly chat?: ChatCap } {
  if (turnsPerDay === null && microsPerDay === null) return {};
  return { chat: { ...wholeOf(chat), turnsPerDay, microsPerDay } };
}
