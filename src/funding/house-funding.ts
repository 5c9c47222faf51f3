/** The house pays, from its allowance. */

import { wholeOf } from '../chat/chat-rules.ts';
import { costText } from '../text/cost.ts';
import type { Allowance, ChatCap } from './allowance.ts';
import type { FundingSource, House, TurnToPay } from './funding.ts';
import type { HouseBreaker } from './house-breaker.ts';

export interface HouseKeyParts {
  readonly house: House;
  readonly breaker: HouseBreaker;
  readonly tellOperator: (
    warning: 'house-key-failed',
    facts: { readonly provider: string; readonly code: string },
  ) => void;
}

export interface HouseFundingParts extends HouseKeyParts {
  readonly allowance: Allowance;
}

export function createHouseFunding(parts: HouseFundingParts): FundingSource {
  const { house, allowance } = parts;
  return {
    kind: 'house',
    async offer({ userId, turn }) {
      return {
        offer: 'pays',
        funding: {
          kind: 'house',
          id: null,
          ...house,
          caps: allowance.caps(userId, capOf(turn)),
          passesOver: true,
          unpriced: 'price-unknown',
          ...houseKey(parts),
          async costNote({ costMicros, assumed, reservedMicros }) {
            const state = await allowance.state(userId);
            const spentMicros = state.spentMicros + (costMicros ?? 0) - reservedMicros;
            return costText.house({ costMicros, assumed }, { ...state, spentMicros });
          },
        },
      };
    },
  };
}

/** The house's key, for whoever pays with it: it is left alone while it fails. */
export function houseKey({ house: { provider }, breaker, tellOperator }: HouseKeyParts) {
  return {
    admit: () => (breaker.mayTry() ? undefined : ('house-unavailable' as const)),
    async ended(_: number, error?: { readonly code: Parameters<HouseBreaker['failed']>[0] }) {
      if (error === undefined) breaker.succeeded();
      else if (breaker.failed(error.code)) {
        tellOperator('house-key-failed', { provider, code: error.code });
      }
      return undefined;
    },
  };
}

/** The cap of the chat, where it has one. */
function capOf(turn: TurnToPay['turn']): ChatCap | undefined {
  if (turn === undefined) return undefined;
  const { turnsPerDay, microsPerDay } = turn.rules;
  if (turnsPerDay === null && microsPerDay === null) return undefined;
  return { ...wholeOf(turn.chat), turnsPerDay, microsPerDay };
}
