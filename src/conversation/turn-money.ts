/** What a turn may cost and did cost: set aside before the provider is asked, settled after it. */

import { type ChatRules, wholeOf } from '../chat/chat-rules.ts';
import type { SQL } from '../db/drizzle.ts';
import type { Allowance, AllowanceRefusal, ChatCap } from '../funding/allowance.ts';
import type { Funding } from '../funding/funding.ts';
import type { Cap, Ledger } from '../funding/ledger.ts';
import { type OwnLimitRefusal, ownCaps } from '../funding/own-limit.ts';
import type { Price, Prices } from '../funding/prices.ts';
import type { ModelRequest } from './request.ts';
import { FenceLost, type RunningTurn } from './turn-store.ts';

export interface TurnMoneyParts {
  readonly ledger: Ledger;
  readonly allowance: Pick<Allowance, 'caps'>;
  readonly prices: Prices;
  readonly now?: () => Date;
}

export type Refusal = AllowanceRefusal | OwnLimitRefusal | 'own-price-unknown';

export type Reserved =
  | { readonly ok: true; readonly maxOutputTokens: number; readonly amountMicros: number }
  | { readonly ok: false; readonly reason: Refusal };

/** A turn's side of the ledger. */
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
  /** See `Ledger.settlement`. */
  settlement(
    turn: RunningTurn,
    used: { readonly spentMicros: number; readonly tokens: number | undefined },
    answered: boolean,
  ): SQL;
}

export function createTurnMoney({
  ledger,
  allowance,
  prices,
  now = () => new Date(),
}: TurnMoneyParts): TurnMoney {
  const capsOf = (
    { userId, chat, rules }: RunningTurn,
    funding: Funding,
  ): readonly Cap<AllowanceRefusal | OwnLimitRefusal>[] =>
    funding.kind === 'own'
      ? ownCaps(userId, funding.limits, now())
      : allowance.caps(userId, capOf(chat, rules));

  return {
    async reserve(turn, funding, price, { inputTokens, maxOutputTokens }) {
      const { turnId, attempt, userId } = turn;
      const { kind, provider, model } = funding;
      const cost = price && {
        inputMicros: prices.costMicros(price, {
          inputTokens,
          cachedInputTokens: 0,
          cacheWriteTokens: inputTokens,
          outputTokens: 0,
        }),
        outputMicrosPerMillion: prices.ratesFor(price, inputTokens).output,
      };
      const caps = capsOf(turn, funding);
      const payer = { kind, id: null, provider, model };
      const reserved = await ledger.reserve({
        turnId,
        attempt,
        userId,
        payer,
        inputTokens,
        maxOutputTokens,
        cost,
        caps,
      });
      if (reserved.ok) return reserved;
      if (reserved.reason === 'taken-over') throw new FenceLost(`turn ${turnId} was taken over`);
      const { reason } = reserved;
      return { ok: false, reason: reason === 'price-unknown' ? 'own-price-unknown' : reason };
    },

    settlement: ({ turnId, attempt }, { spentMicros, tokens }, answered) =>
      ledger.settlement({ turnId, attempt, spentMicros, answered, tokens }, 'stored'),
  };
}

/** The cap of the chat, where it has one. */
function capOf(
  chat: RunningTurn['chat'],
  { turnsPerDay, microsPerDay }: ChatRules,
): ChatCap | undefined {
  if (turnsPerDay === null && microsPerDay === null) return undefined;
  return { ...wholeOf(chat), turnsPerDay, microsPerDay };
}
