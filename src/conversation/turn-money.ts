/** What a turn may cost and did cost: set aside before the provider is asked, settled after it. */

import type { Queryable } from '../db/client.ts';
import type { Allowance, AllowanceRefusal } from '../funding/allowance.ts';
import type { Funding } from '../funding/funding.ts';
import type { OwnLimit, OwnLimitRefusal } from '../funding/own-limit.ts';
import type { Price, Prices } from '../funding/prices.ts';
import type { ModelRequest } from './request.ts';
import type { RunningTurn } from './turn-store.ts';

export interface TurnMoneyParts {
  readonly allowance: Allowance;
  readonly ownLimit: OwnLimit;
  readonly prices: Prices;
}

export type Reserved =
  | { readonly ok: true; readonly maxOutputTokens: number }
  | { readonly ok: false; readonly reason: AllowanceRefusal | OwnLimitRefusal };

/** Of the house: from its allowance. Of an own key: from its user's limit, where one is set. */
export interface TurnMoney {
  /** Sets aside the most that the call can cost, and clamps the output to what is left. */
  reserve(
    turn: RunningTurn,
    paidBy: Funding['kind'],
    price: Price | undefined,
    request: ModelRequest,
  ): Promise<Reserved>;
  settle(
    tx: Queryable,
    turn: RunningTurn,
    paidBy: Funding['kind'],
    costMicros: number,
    isAnswered: boolean,
  ): Promise<void>;
  /** What attempts before this one left behind when their worker died. */
  settleLost(
    turn: { readonly turnId: number; readonly attempt: number },
    providerWasAsked: boolean,
  ): Promise<void>;
}

export function createTurnMoney({ allowance, ownLimit, prices }: TurnMoneyParts): TurnMoney {
  return {
    async reserve({ turnId, attempt, userId }, paidBy, price, { inputTokens, maxOutputTokens }) {
      const cost = price && {
        inputMicros: prices.costMicros(price, {
          inputTokens,
          cachedInputTokens: 0,
          cacheWriteTokens: inputTokens,
          outputTokens: 0,
        }),
        outputMicrosPerMillion: prices.ratesFor(price, inputTokens).output,
      };
      const claim = { turnId, attempt, userId };
      if (paidBy === 'own') return ownLimit.reserve(claim, maxOutputTokens, cost);
      if (cost === undefined) throw new Error('the house model has no price');
      return allowance.reserve({ ...claim, ...cost, maxOutputTokens });
    },

    async settle(tx, turn, paidBy, costMicros, isAnswered) {
      if (paidBy === 'own') await ownLimit.settle(tx, turn, costMicros);
      else await allowance.settle(tx, turn, costMicros, isAnswered);
    },

    async settleLost(turn, providerWasAsked) {
      await allowance.settleLost(turn, providerWasAsked);
      await ownLimit.settleLost(turn, providerWasAsked);
    },
  };
}
