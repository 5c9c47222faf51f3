/** The house pays, from its allowance. */

import { wholeOf } from '../chat/chat-rules.ts';
import { costText } from '../text/cost.ts';
import { moderationText } from '../text/moderation.ts';
import { type Allowance, type ChatCap, least } from './allowance.ts';
import type { FundingSource, House, TurnToPay } from './funding.ts';
import type { HouseBreaker } from './house-breaker.ts';
import type { HousePause } from './house-pause.ts';
import type { HouseWatch } from './house-watch.ts';

export interface HouseKeyParts {
  readonly house: House;
  readonly breaker: HouseBreaker;
  readonly pause: Pick<HousePause, 'isPaused'>;
  readonly tellOperator: (
    warning: 'house-key-failed',
    facts: { readonly provider: string; readonly code: string },
  ) => void;
}

export interface HouseFundingParts extends HouseKeyParts {
  readonly allowance: Allowance;
  readonly watch: HouseWatch;
  /** What each group may cost the house a day, in micros; null: its administrators alone say. */
  readonly chatDayMicros: number | null;
}

export function createHouseFunding(parts: HouseFundingParts): FundingSource {
  const { house, allowance, watch } = parts;
  return {
    kind: 'house',
    async offer({ userId, turn }) {
      const terms = await allowance.terms(userId, capOf(turn, parts.chatDayMicros));
      if (!terms.isAllowed) {
        return { offer: 'refused', outcome: 'house-not-for-you', passesOver: true };
      }
      const { caps, rates, model } = terms;
      return {
        offer: 'pays',
        funding: {
          kind: 'house',
          id: null,
          ...house,
          model,
          caps,
          rates,
          passesOver: true,
          unpriced: 'price-unknown',
          ...houseKey(parts),
          settled: (spent) => watch.look(spent),
          refused: (outcome) => watch.refused(outcome),
          passedOver: (outcome) =>
            outcome === 'suspended' ? moderationText.passedOver() : undefined,
          async costNote({ costMicros, assumed, reservedMicros }) {
            const state = await allowance.state(userId);
            const change = (costMicros ?? 0) - reservedMicros;
            const windows = state.windows.map((window) => ({
              ...window,
              spentMicros: window.spentMicros + change,
            }));
            return costText.house({ costMicros, assumed }, windows);
          },
        },
      };
    },
  };
}

/** The house's key, for whoever pays with it: it is left alone while it fails, or the house is paused. */
export function houseKey({ house: { provider }, breaker, pause, tellOperator }: HouseKeyParts) {
  return {
    admit() {
      if (pause.isPaused) return 'house-paused' as const;
      return breaker.mayTry() ? undefined : ('house-unavailable' as const);
    },
    async ended(_: number, error?: { readonly code: Parameters<HouseBreaker['failed']>[0] }) {
      if (error === undefined) breaker.succeeded();
      else if (breaker.failed(error.code)) {
        tellOperator('house-key-failed', { provider, code: error.code });
      }
      return undefined;
    },
  };
}

/** The cap of the chat, where it has one: a group's own is never above the operator's. */
function capOf(turn: TurnToPay['turn'], chatDayMicros: number | null): ChatCap | undefined {
  if (turn === undefined) return undefined;
  const { turnsPerDay } = turn.rules;
  const ofGroups = turn.chat.kind === 'group' ? chatDayMicros : null;
  const microsPerDay = least(turn.rules.microsPerDay, ofGroups);
  if (turnsPerDay === null && microsPerDay === null) return undefined;
  return { ...wholeOf(turn.chat), turnsPerDay, microsPerDay };
}
