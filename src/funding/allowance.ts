/** The house allowance: what the house gives a user, a chat, those who are new, and everybody together. */

import type { Database } from '../db/client.ts';
import {
  type BudgetState,
  budgetStates,
  chatHolder,
  HOUSE,
  NEW_USERS,
  userHolder,
} from './budgets.ts';
import { type HouseDay, houseShare } from './house-day.ts';
import type { Cap } from './ledger.ts';
import { createUserPlans, type Standing, type UserPlans } from './plans.ts';
import {
  modelsOf,
  PLAN_PERIODS,
  type PlanLimit,
  type PlanPeriod,
  type Plans,
} from './plans-file.ts';
import { houseModelRates, type Rate } from './rates.ts';
import { runningWindow, type Window, windowOf } from './windows.ts';

/** What the house gives a chat a day, whoever asks there. */
export interface ChatCap {
  readonly platform: string;
  readonly wholeId: string;
  /** Null: only the other is capped. */
  readonly turnsPerDay: number | null;
  readonly microsPerDay: number | null;
}

export type AllowanceRefusal =
  | 'turns-used'
  | 'money-used'
  | 'week-used'
  | 'month-used'
  | 'new-users-used'
  | 'house-used'
  | 'house-hour-used'
  | 'chat-used';

/** What is used and what is given in one of the windows of a user's plan; null: not limited. */
export interface WindowState {
  readonly period: PlanPeriod;
  readonly turnsUsed: number;
  readonly turnsLimit: number | null;
  /** Spent and reserved. */
  readonly spentMicros: number;
  readonly limitMicros: number | null;
  readonly resetsAt: Date;
}

export interface AllowanceState {
  readonly plan: string;
  /** When the granted plan ends. */
  readonly until: Date | null;
  /** The shortest first; the day's is always there. */
  readonly windows: readonly WindowState[];
}

/** On which terms the house pays for a user's turns. */
export interface HouseTerms {
  /** False: the house answers others only. */
  readonly isAllowed: boolean;
  /** The budgets that a turn counts in. */
  readonly caps: readonly Cap<AllowanceRefusal>[];
  readonly rates: readonly Rate[];
  /** Without its provider, which is the house's. */
  readonly model: string;
}

export interface Allowance {
  /** @param chat set where the turn is in a chat with a cap */
  terms(userId: number, chat: ChatCap | undefined): Promise<HouseTerms>;
  state(userId: number): Promise<AllowanceState>;
  /** What the house answers a user with, and what else their plan lets them choose. */
  models(userId: number): Promise<HouseModels>;
}

export interface HouseModels {
  readonly current: string;
  readonly models: readonly string[];
}

const DAY_MS = 86_400_000;

const REFUSALS = {
  day: { turns: 'turns-used', money: 'money-used' },
  week: { turns: 'week-used', money: 'week-used' },
  month: { turns: 'month-used', money: 'month-used' },
} as const;

/** Counted, so that /usage can tell, and a limit that comes later knows what was used. */
const UNLIMITED: PlanLimit = { turns: null, micros: null };

export interface AllowanceParts {
  readonly db: Database;
  readonly house: { readonly provider: string; readonly model: string };
  readonly plans: Plans;
  /** HOUSE_DAILY_USD, in micros, for everybody together. */
  readonly houseMicrosPerDay: number;
  readonly userPlans?: UserPlans;
  readonly now?: () => Date;
}

export function createAllowance({
  db,
  house,
  plans,
  houseMicrosPerDay,
  now = () => new Date(),
  userPlans = createUserPlans({ db, plans, onUnknown: () => undefined, now }),
}: AllowanceParts): Allowance {
  const { house: rules } = plans;

  /** Whom the operator has granted a plan is no stranger. */
  const isNew = ({ plan, knownSince }: Standing, at: Date) =>
    plan === plans.free && at.getTime() - knownSince.getTime() < rules.newUserDays * DAY_MS;

  /** The windows of the user's plan; what somebody new may cost a day is part of it. */
  function windowsOf(standing: Standing, at: Date): readonly UserWindow[] {
    const { plan, begun } = standing;
    return PLAN_PERIODS.flatMap((period) => {
      const given = plan.windows[period];
      if (given === undefined && period !== 'day') return [];
      const limit = given ?? UNLIMITED;
      const capped = period === 'day' && isNew(standing, at) ? rules.newUserDayMicros : null;
      return [
        {
          period,
          limit: { turns: limit.turns, micros: least(limit.micros, capped) },
          window: runningWindow(period, at, plan.timeZone, begun[period]),
        },
      ];
    });
  }

  function modelsFor({ plan, chosen }: Standing): HouseModels {
    const models = modelsOf(house.provider, plan.models);
    const wanted = chosen.provider === house.provider ? chosen.model : null;
    const current = models.find((model) => model === wanted) ?? models[0] ?? house.model;
    return { current, models };
  }

  return {
    async terms(userId, chat) {
      const at = now();
      const standing = await userPlans.standing(userId);
      const { plan, accounts } = standing;
      const today = windowOf('day', at);
      const theirs = windowsOf(standing, at).map(
        ({ period, window, limit }): Cap<AllowanceRefusal> => ({
          holder: userHolder(userId),
          window,
          limitMicros: limit.micros,
          turnsLimit: limit.turns,
          charge: 'answered',
          refusals: REFUSALS[period],
        }),
      );
      const { current: model } = modelsFor(standing);
      return {
        isAllowed: rules.allow === null || accounts.some((name) => rules.allow?.includes(name)),
        caps: [
          ...theirs,
          ...(chat === undefined ? [] : [chatCap(chat, today)]),
          ...(rules.newUsersDayMicros !== null && isNew(standing, at)
            ? [dayCap(NEW_USERS, today, rules.newUsersDayMicros, 'new-users-used')]
            : []),
          houseCap({ microsPerDay: houseMicrosPerDay, hourly: rules.hourly }, today, at),
        ],
        rates: ratesOf(userId, plan, rules.models, { provider: house.provider, model }),
        model,
      };
    },

    models: async (userId) => modelsFor(await userPlans.standing(userId)),

    async state(userId) {
      const at = now();
      const standing = await userPlans.standing(userId);
      const windows = windowsOf(standing, at);
      const holder = userHolder(userId);
      const states: readonly (BudgetState | undefined)[] = await budgetStates(
        db,
        windows.map(({ window }) => ({ holder, window })),
      );
      return {
        plan: standing.plan.name,
        until: standing.until,
        windows: windows.map(({ period, window, limit }, nth) => ({
          period,
          turnsUsed: states[nth]?.turns ?? 0,
          turnsLimit: limit.turns,
          spentMicros: (states[nth]?.spentMicros ?? 0) + (states[nth]?.reservedMicros ?? 0),
          limitMicros: limit.micros,
          resetsAt: window.ends ?? at,
        })),
      };
    },
  };
}

interface UserWindow {
  readonly period: PlanPeriod;
  readonly limit: PlanLimit;
  readonly window: Window;
}

const dayCap = (
  holder: Cap['holder'],
  window: Window,
  limitMicros: number | null,
  refusal: AllowanceRefusal,
): Cap<AllowanceRefusal> => ({
  holder,
  window,
  limitMicros,
  turnsLimit: null,
  charge: 'spent',
  refusals: { turns: refusal, money: refusal },
});

function chatCap(chat: ChatCap, today: Window): Cap<AllowanceRefusal> {
  const cap = dayCap(chatHolder(chat), today, chat.microsPerDay, 'chat-used');
  return { ...cap, turnsLimit: chat.turnsPerDay };
}

function houseCap(day: HouseDay, today: Window, at: Date): Cap<AllowanceRefusal> {
  const share = houseShare(day, at);
  const refusal = share.isWhole ? 'house-used' : 'house-hour-used';
  return dayCap(HOUSE, today, share.micros, refusal);
}

function ratesOf(
  userId: number,
  { requestsPerMinute, tokensPerMinute }: Plans['free'],
  models: Plans['house']['models'],
  model: { readonly provider: string; readonly model: string },
): readonly Rate[] {
  return [
    ...(requestsPerMinute === null && tokensPerMinute === null
      ? []
      : [{ fundings: ['house' as const], userId, requestsPerMinute, tokensPerMinute }]),
    ...houseModelRates(models, model),
  ];
}

/** Null: not limited. */
export function least(...limits: readonly (number | null)[]): number | null {
  const set = limits.filter((limit) => limit !== null);
  return set.length === 0 ? null : Math.min(...set);
}
