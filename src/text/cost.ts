/** What an answer cost and what is left, in one line below it. */

import type { AllowanceState } from '../funding/allowance.ts';
import { formatUsd } from '../funding/money.ts';
import type { LimitState } from '../funding/own-limit.ts';
import { time } from './markdown.ts';

export const costText = {
  own: (costMicros: number | null, limits: readonly LimitState[]): string =>
    [
      `This answer: ${costMicros === null ? 'cost unknown' : formatUsd(costMicros)}, on your own key.`,
      ...limits.map(
        ({ period, limitMicros, usedMicros, resetsAt }) =>
          `Left of your limit ${PERIODS[period]}: ${formatUsd(Math.max(0, limitMicros - usedMicros))} until ${time(resetsAt)}.`,
      ),
    ].join(' '),

  house: (costMicros: number | null, allowance: AllowanceState): string =>
    [
      `This answer: ${costMicros === null ? 'nothing' : formatUsd(costMicros)}, paid by the house.`,
      `Left today: ${Math.max(0, allowance.turnsLimit - allowance.turnsUsed)} messages and ${formatUsd(Math.max(0, allowance.limitMicros - allowance.spentMicros))}.`,
    ].join(' '),
};

const PERIODS = { day: 'a day', month: 'a month' } as const;
