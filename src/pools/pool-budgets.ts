/** What a member may spend: the budgets that a turn counts in, and what is left of them. */

import type { Queryable } from '../db/client.ts';
import {
  adjust,
  type BudgetState,
  budgetStates,
  grant,
  memberHolder,
  poolHolder,
} from '../funding/budgets.ts';
import type { Cap } from '../funding/ledger.ts';
import { type Window, windowOf } from '../funding/windows.ts';
import { POOL_WINDOWS, type PoolSettings, type PoolWindow } from './pool-settings.ts';
import { poolWindow, windowBefore } from './pool-windows.ts';

export type PoolRefusal = 'pool-hour-used' | 'pool-day-used' | 'pool-month-used' | 'pool-used';

/** Whose budgets. */
export interface Member {
  readonly poolId: number;
  readonly memberId: number;
  readonly joinedAt: Date;
  readonly settings: PoolSettings;
}

export interface MemberBudget {
  readonly period: PoolWindow;
  /** What was carried over is in it; null: no limit. */
  readonly limitMicros: number | null;
  /** Spent and reserved. */
  readonly usedMicros: number;
  readonly window: Window;
}

const REFUSALS = {
  hour: 'pool-hour-used',
  day: 'pool-day-used',
  month: 'pool-month-used',
} as const satisfies Record<PoolWindow, PoolRefusal>;

const used = ({ spentMicros, reservedMicros }: BudgetState) => spentMicros + reservedMicros;

/** The month is counted even where it has no limit: it is what the owner reads. */
function periodsOf({ memberMicros }: PoolSettings): readonly PoolWindow[] {
  return POOL_WINDOWS.filter((period) => period === 'month' || memberMicros[period] !== null);
}

/**
 * Where the owner lets it be carried over, a window's limit is raised by what was left of the one
 * before it (not of those before that), unless the member was not there yet.
 */
export async function memberBudgets(
  db: Queryable,
  member: Member,
  now: Date,
): Promise<readonly MemberBudget[]> {
  const [budgets = []] = await budgetsOfMembers(db, member.settings, [member], now);
  return budgets;
}

/** The same of several of one pool, in their order, in one statement. */
export async function budgetsOfMembers(
  db: Queryable,
  settings: PoolSettings,
  members: readonly Pick<Member, 'poolId' | 'memberId' | 'joinedAt'>[],
  now: Date,
): Promise<readonly (readonly MemberBudget[])[]> {
  const windows = periodsOf(settings).map((period) => {
    const window = poolWindow(settings, period, now);
    return { period, window, before: windowBefore(settings, period, window) };
  });
  const counted = [
    ...windows.map(({ window }) => window),
    // Itself alone: else the one that is open now, which begins where it ends, would stand for it.
    ...(settings.carriesOver ? windows.map(({ before }) => ({ ...before, ends: null })) : []),
  ];
  const states = await budgetStates(
    db,
    members.flatMap(({ poolId, memberId }) => {
      const holder = memberHolder(poolId, memberId);
      return counted.map((window) => ({ holder, window }));
    }),
  );
  return members.map(({ joinedAt }, which) => {
    const theirs = states.slice(which * counted.length, (which + 1) * counted.length);
    return windows.map(({ period, window }, nth) => {
      const limit = settings.memberMicros[period];
      const last = theirs[windows.length + nth];
      const carried =
        limit === null || last === undefined || joinedAt >= window.starts
          ? 0
          : Math.max(0, limit - used(last));
      const state = theirs[nth];
      return {
        period,
        window,
        limitMicros: limit === null ? null : limit + carried + (state?.grantedMicros ?? 0),
        usedMicros: state === undefined ? 0 : used(state),
      };
    });
  });
}

/** The pool's whole budget as a window that never ends. */
export const poolTotal = (poolId: number) => ({
  holder: poolHolder(poolId),
  window: windowOf('total', new Date(0)),
});

export function memberCaps(
  { poolId, memberId, settings }: Member,
  budgets: readonly MemberBudget[],
): readonly Cap<PoolRefusal>[] {
  const holder = memberHolder(poolId, memberId);
  return [
    ...budgets.map(({ period, window, limitMicros }) => ({
      holder,
      window,
      limitMicros,
      turnsLimit: null,
      charge: 'spent' as const,
      refusals: { turns: REFUSALS[period], money: REFUSALS[period] },
    })),
    {
      ...poolTotal(poolId),
      limitMicros: settings.totalMicros,
      turnsLimit: null,
      charge: 'spent',
      refusals: { turns: 'pool-used', money: 'pool-used' },
    },
  ];
}

/** Adds to what a member may spend in the open windows. @param micros more than nothing */
export async function raiseMember(
  db: Queryable,
  { poolId, memberId, settings }: Member,
  micros: number,
  now: Date,
): Promise<void> {
  const holder = memberHolder(poolId, memberId);
  for (const period of periodsOf(settings)) {
    await grant(db, { holder, window: poolWindow(settings, period, now) }, micros, 'raised');
  }
}

/** What a member has spent in the open windows is theirs again; the pool's total stays as it is. */
export async function resetMember(db: Queryable, member: Member, now: Date): Promise<void> {
  const holder = memberHolder(member.poolId, member.memberId);
  for (const period of POOL_WINDOWS) {
    const budget = { holder, window: poolWindow(member.settings, period, now) };
    const [state] = await budgetStates(db, [budget]);
    if (state === undefined || state.spentMicros === 0) continue;
    await adjust(db, budget, { turns: 0, micros: -state.spentMicros }, 'reset');
  }
}
