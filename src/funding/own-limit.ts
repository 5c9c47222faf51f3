/** A user's own limit on what their own keys together spend, a day and a month (UTC). */

import type { Database } from '../db/client.ts';
import { eq, sql } from '../db/drizzle.ts';
import { ownLimits } from '../db/schema.ts';
import { budgetStates, ownHolder } from './budgets.ts';
import type { Cap } from './ledger.ts';
import { windowOf } from './windows.ts';

export type LimitPeriod = 'day' | 'month';

export type OwnLimitRefusal = 'own-day-limit' | 'own-month-limit';

/** Null: no limit. */
export interface OwnLimits {
  readonly dayLimitMicros: number | null;
  readonly monthLimitMicros: number | null;
}

export interface LimitState {
  readonly period: LimitPeriod;
  readonly limitMicros: number;
  /** Spent and reserved. */
  readonly usedMicros: number;
  readonly resetsAt: Date;
}

export interface OwnLimit {
  /** The limits that are set, the day's first. */
  state(userId: number): Promise<readonly LimitState[]>;
  /** @param limitMicros more than nothing; what the period's turns have cost so far counts */
  set(userId: number, period: LimitPeriod, limitMicros: number): Promise<void>;
  /** Takes both limits off. @returns whether there was one */
  clear(userId: number): Promise<boolean>;
}

/**
 * The budgets that a turn on an own key counts in, with a limit or without: one that is set in the
 * middle of a day knows what that day has cost.
 */
export function ownCaps(
  userId: number,
  { dayLimitMicros, monthLimitMicros }: OwnLimits,
  at: Date,
): readonly Cap<OwnLimitRefusal>[] {
  const cap = (
    period: LimitPeriod,
    limitMicros: number | null,
    refusal: OwnLimitRefusal,
  ): Cap<OwnLimitRefusal> => ({
    holder: ownHolder(userId),
    window: windowOf(period, at),
    limitMicros,
    turnsLimit: null,
    charge: 'spent',
    refusals: { turns: refusal, money: refusal },
  });
  return [
    cap('day', dayLimitMicros, 'own-day-limit'),
    cap('month', monthLimitMicros, 'own-month-limit'),
  ];
}

export function createOwnLimit({
  db,
  now = () => new Date(),
}: {
  readonly db: Database;
  readonly now?: () => Date;
}): OwnLimit {
  return {
    async state(userId) {
      const [row] = await db.select().from(ownLimits).where(eq(ownLimits.userId, userId));
      if (row === undefined) return [];
      const caps = ownCaps(userId, row, now());
      const states = await budgetStates(db, caps);
      return caps.flatMap(({ window, limitMicros }, nth) => {
        const { period, ends } = window;
        if (typeof limitMicros !== 'number' || ends === null) return [];
        if (period !== 'day' && period !== 'month') return [];
        const { spentMicros = 0, reservedMicros = 0 } = states[nth] ?? {};
        return [{ period, limitMicros, usedMicros: spentMicros + reservedMicros, resetsAt: ends }];
      });
    },

    async set(userId, period, limitMicros) {
      const limit =
        period === 'day' ? { dayLimitMicros: limitMicros } : { monthLimitMicros: limitMicros };
      await db
        .insert(ownLimits)
        .values({ userId, ...limit })
        .onConflictDoUpdate({ target: ownLimits.userId, set: limit });
    },

    async clear(userId) {
      const cleared = await db.execute(sql`
        delete from own_limits where user_id = ${userId}
          and (day_limit_micros is not null or month_limit_micros is not null)
        returning user_id`);
      return cleared.length > 0;
    },
  };
}
