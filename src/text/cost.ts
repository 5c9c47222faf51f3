/** What an answer cost and what is left, in one line below it. */

import type { WindowState } from '../funding/allowance.ts';
import { formatUsd } from '../funding/money.ts';
import type { LimitState } from '../funding/own-limit.ts';
import { time } from './markdown.ts';
import { windowLeft } from './plans.ts';

interface Cost {
  readonly costMicros: number | null;
  /** Counted at a price that the operator assumes. */
  readonly assumed: boolean;
}

const usd = (micros: number, { assumed }: Pick<Cost, 'assumed'>) =>
  `${formatUsd(micros)}${assumed ? ' (price assumed)' : ''}`;

export const costText = {
  own: (cost: Cost, limits: readonly LimitState[]): string =>
    [
      `This answer: ${cost.costMicros === null ? 'cost unknown' : usd(cost.costMicros, cost)}, on your own key.`,
      ...limits.map(
        ({ period, limitMicros, usedMicros, resetsAt }) =>
          `Left of your limit ${PERIODS[period]}: ${formatUsd(Math.max(0, limitMicros - usedMicros))} until ${time(resetsAt)}.`,
      ),
    ].join(' '),

  house: (cost: Cost, windows: readonly WindowState[]): string =>
    [
      `This answer: ${cost.costMicros === null ? 'nothing' : usd(cost.costMicros, cost)}, paid by the house.`,
      ...windows.flatMap((window) => {
        const left = windowLeft(window);
        return left === undefined ? [] : [`Left ${LEFT[window.period]}: ${left}.`];
      }),
    ].join(' '),

  credit: (cost: Cost, credit: { readonly leftMicros: number; readonly expiresAt: Date }): string =>
    `This answer: ${cost.costMicros === null ? 'nothing' : usd(cost.costMicros, cost)}, paid by your credit. Left of it: ${formatUsd(Math.max(0, credit.leftMicros))} until ${time(credit.expiresAt)}.`,
};

const LEFT = { day: 'today', week: 'this week', month: 'this month' } as const;

const PERIODS = { day: 'a day', month: 'a month' } as const;
