/** What an operator sees at a glance: of the house, and of one user. Numbers and states, no words. */

import type { Database } from '../db/client.ts';
import { type HouseState, houseState } from '../funding/house-state.ts';
import type { UserPlans } from '../funding/plans.ts';
import { daysAgo, type Total, totals } from '../funding/totals.ts';
import { type UsageSum, usageSince } from '../funding/usage.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { countFlagged } from '../moderation/flagged.ts';
import type { Suspension, Suspensions } from '../moderation/suspensions.ts';
import { type Standing, standingOf } from '../users/standing.ts';
import type { OperatorDeeds } from './deeds.ts';

/** What was flagged in so many days is new. */
export const FLAGGED_DAYS = 7;
const SPENT_DAYS = 30;

export interface OverviewParts {
  readonly db: Database;
  readonly ring: Pick<KeyRing, 'pseudonym'>;
  readonly suspensions: Pick<Suspensions, 'current'>;
  readonly userPlans: Pick<UserPlans, 'standing'>;
  readonly deeds: Pick<OperatorDeeds, 'newestAbout'>;
  /** HOUSE_DAILY_USD */
  readonly houseMicrosPerDay: number;
}

export interface Overview {
  readonly house: HouseState;
  /** Of the house's day (UTC). */
  readonly today: readonly Total[];
  readonly flagged: number;
}

export async function overviewOf({
  db,
  houseMicrosPerDay,
}: Pick<OverviewParts, 'db' | 'houseMicrosPerDay'>): Promise<Overview> {
  const [house, today, flagged] = await Promise.all([
    houseState(db, houseMicrosPerDay),
    totals(db, daysAgo(1)),
    countFlagged(db, daysAgo(FLAGGED_DAYS)),
  ]);
  return { house, today, flagged };
}

export interface UserOverview extends Pick<Standing, 'userId' | 'shortId' | 'since' | 'accounts'> {
  readonly keys: Standing['keys'];
  readonly openTurns: number;
  readonly plan: { readonly name: string; readonly until: Date | null };
  readonly suspension: Suspension | undefined;
  readonly spent: { readonly days: number; readonly sums: readonly UsageSum[] };
  /** The newest deed about the user: what is done by a button holds only while it is the newest. */
  readonly seen: number;
}

/** @returns undefined where there is no such user any more, or they were joined with another */
export async function userOverview(
  { db, ring, suspensions, userPlans, deeds }: OverviewParts,
  userId: number,
): Promise<UserOverview | undefined> {
  // First: what changes after it makes the buttons of what is read here void.
  const seen = await deeds.newestAbout(userId);
  const [standing, { plan, until }, suspension, sums] = await Promise.all([
    standingOf({ db, ring }, userId),
    userPlans.standing(userId),
    suspensions.current(userId),
    usageSince(db, userId, daysAgo(SPENT_DAYS)),
  ]);
  const { shortId, since, accounts, keys, openTurns } = standing;
  if (accounts.length === 0) return undefined;
  return {
    userId,
    shortId,
    since,
    accounts,
    keys,
    openTurns,
    plan: { name: plan.name, until },
    suspension,
    spent: { days: SPENT_DAYS, sums },
    seen,
  };
}
