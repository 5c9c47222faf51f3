/** The buttons of /admin about one user. Each deed holds only while nothing else was done since. */

import { DateTime } from 'luxon';
import type { Notice } from '../chat/platform.ts';
import type { Log } from '../log.ts';
import type { Granted, OperatorDeeds } from '../operator/deeds.ts';
import { type OverviewParts, type UserOverview, userOverview } from '../operator/overview.ts';
import { adminText } from '../text/admin.ts';
import { USER_DEEDS, type UserDeed } from '../text/admin-user.ts';
import type { NamedAccount } from '../users/accounts.ts';
import { rowId } from './command.ts';

const DAY_MS = 86_400_000;

export interface AdminUserParts extends OverviewParts {
  readonly deeds: OperatorDeeds;
  /** Names of PLANS_FILE. */
  readonly planNames: readonly string[];
  readonly log: Log;
}

/**
 * `user-12`, `suspend-12`, `grant-12` are pages; `do-SEEN-12-DEED` does something, a deed with a plan
 * ends in its name.
 * @returns undefined for what is no such button
 */
export function createAdminUser(
  parts: AdminUserParts,
): (argument: string, by: NamedAccount) => Promise<Notice | undefined> {
  const { deeds, log } = parts;

  async function perform(
    user: Pick<UserOverview, 'userId' | 'seen'>,
    deed: UserDeed,
    plan: string,
    by: NamedAccount,
  ): Promise<string | undefined> {
    if (deed.kind === 'lift') {
      const lifted = await deeds.liftSeen(user, by);
      return lifted === undefined ? undefined : adminText.did.lifted(lifted);
    }
    if (deed.kind === 'suspend') {
      const until = deed.days === null ? null : new Date(Date.now() + deed.days * DAY_MS);
      const what = { until, reason: adminText.defaultReason };
      const id = await deeds.suspendSeen(user, what, by);
      return id === undefined ? undefined : adminText.did.suspended(id, until);
    }
    // So many days and the rest of today, in any time zone.
    const lastDay =
      deed.days === null ? undefined : DateTime.utc().plus({ days: deed.days }).toISODate();
    const granted: Granted | undefined = await deeds.grantSeen(user, { plan, lastDay }, by);
    return granted && adminText.did.granted(plan, granted);
  }

  return async (argument, by) => {
    const match =
      /^(?:(user|suspend|grant)-(\d{1,16})|do-(\d{1,16})-(\d{1,16})-([a-z0-9]+)(?:-(.+))?)$/.exec(
        argument,
      );
    if (match === null) return undefined;
    const [, name, shown, seen, about, verb = '', plan = ''] = match;
    const userId = rowId(shown ?? about);
    const deed = USER_DEEDS[verb];
    let note: string | undefined;
    if (name === undefined) {
      if (deed === undefined) return undefined;
      const done = await perform({ userId, seen: Number(seen) }, deed, plan, by);
      if (done !== undefined) log.warn({ by, userId, deed: verb }, 'done by a button of /admin');
      note = done ?? adminText.did.nothing;
    }
    const user = userId === 0 ? undefined : await userOverview(parts, userId);
    if (user === undefined) return adminText.goneUser();
    if (name === 'suspend') return adminText.askSuspend(user);
    if (name === 'grant') return adminText.askGrant(user, parts.planNames);
    return adminText.user(user, note);
  };
}
