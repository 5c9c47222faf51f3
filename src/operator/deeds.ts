/**
 * What an operator does to users and to the house, from the shell or from a chat: the same functions
 * for both, each in one transaction with its row of the audit trail.
 */

import { DateTime } from 'luxon';
import type { Database, Queryable, Transaction } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';
import { pauseHouse, resumeHouse } from '../funding/house-pause.ts';
import { grantPlan } from '../funding/plans.ts';
import { FREE_PLAN, type Plans } from '../funding/plans-file.ts';
import type { Audit, AuditEntry } from '../keys/audit.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { ownersOf } from '../keys/linked-keys.ts';
import { identityPseudonym } from '../keys/tombstones.ts';
import { lockForUser } from '../keys/user-lock.ts';
import { createSuspensions } from '../moderation/suspensions.ts';
import { accountsOf, accountsOfUserId, findPerson, type NamedAccount } from '../users/accounts.ts';

/** Whoever did it: the shell, or an operator's account. */
export type Doer = 'shell' | NamedAccount;

export interface Suspending {
  /** Null: until it is lifted. */
  readonly until: Date | null;
  /** What the user is told. */
  readonly reason: string;
}

export interface Granting {
  readonly plan: string;
  /** The last day of it, `2026-12-31` in the plan's time zone; absent: for good. */
  readonly lastDay?: string | undefined;
}

export type Granted =
  | { readonly result: 'granted'; readonly plan: string; readonly until: Date | null }
  | { readonly result: 'no-plan'; readonly plans: readonly string[] }
  | { readonly result: 'no-day' | 'day-is-over' | 'no-user' };

/** A deed of a button, which was made while the newest deed about its user was `seen`. */
export interface SeenUser {
  readonly userId: number;
  readonly seen: number;
}

export interface OperatorDeeds {
  /** @returns the suspension's number, and whether anybody of this name has written yet */
  suspend(
    who: NamedAccount,
    what: Suspending,
    by: Doer,
  ): Promise<{ readonly id: number; readonly isKnown: boolean }>;
  /** @returns how many warnings, pauses and suspensions are lifted by it */
  lift(who: NamedAccount, by: Doer): Promise<number>;
  grant(who: NamedAccount, what: Granting, by: Doer): Promise<Granted>;
  /** @returns false: it was paused before */
  pauseHouse(by: Doer): Promise<boolean>;
  /** @returns false: it was not paused */
  resumeHouse(by: Doer): Promise<boolean>;
  /** The number of the newest deed about a user; 0: there is none. */
  newestAbout(userId: number): Promise<number>;
  /**
   * The same by a button. @returns undefined: something else was done about the user since the
   * button was shown, or they are gone; nothing was done
   */
  suspendSeen(user: SeenUser, what: Suspending, by: Doer): Promise<number | undefined>;
  liftSeen(user: SeenUser, by: Doer): Promise<number | undefined>;
  grantSeen(user: SeenUser, what: Granting, by: Doer): Promise<Granted | undefined>;
}

/** A day of the calendar, such as 2026-12-31. */
export function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && DateTime.fromISO(text).isValid;
}

export function createOperatorDeeds({
  db,
  ring,
  audit,
  plans: readPlans,
  now = () => new Date(),
}: {
  readonly db: Database;
  readonly ring: Pick<KeyRing, 'pseudonym'>;
  readonly audit: Pick<Audit, 'append'>;
  readonly plans: () => Promise<Pick<Plans, 'plans'>>;
  readonly now?: () => Date;
}): OperatorDeeds {
  function entry(
    action: AuditEntry['action'],
    by: Doer,
    userId: number | null,
    detail: AuditEntry['detail'] = {},
  ): AuditEntry {
    return {
      action,
      actor: 'operator',
      ...(userId === null ? {} : { userId }),
      ...(by === 'shell' ? {} : { platform: by.platform }),
      // Never an account, not even an operator's.
      detail: { ...detail, by: by === 'shell' ? by : identityPseudonym(ring, by) },
    };
  }

  async function newestAbout(on: Queryable, userId: number): Promise<number> {
    const [row] = await on.execute<{ seq: number }>(sql`
      select coalesce(max(seq), 0)::int as seq from audit
      where subject = ${ring.pseudonym(String(userId))}
        and action in ('user.suspended', 'user.lifted', 'user.granted')`);
    return row?.seq ?? 0;
  }

  /** Runs it where nothing was done about the user since, one after another. */
  function whereSeen<T>(
    { userId, seen }: SeenUser,
    work: (tx: Transaction, accounts: readonly NamedAccount[]) => Promise<T>,
  ): Promise<T | undefined> {
    return db.transaction(async (tx) => {
      await lockForUser(tx, 'operator', userId);
      if ((await newestAbout(tx, userId)) !== seen) return undefined;
      const accounts = await accountsOfUserId(tx, userId);
      return accounts.length === 0 ? undefined : await work(tx, accounts);
    });
  }

  async function suspendIn(
    tx: Transaction,
    accounts: readonly NamedAccount[],
    { userId, ...what }: Suspending & { readonly userId: number | null },
    by: Doer,
  ): Promise<number> {
    const id = await createSuspensions({ db: tx, ring }).suspend(accounts, { ...what, userId });
    const until = what.until?.toISOString() ?? 'lifted';
    await audit.append(tx, entry('user.suspended', by, userId, { suspension: id, until }));
    return id;
  }

  async function liftIn(
    tx: Transaction,
    accounts: readonly NamedAccount[],
    userId: number | null,
    by: Doer,
  ): Promise<number> {
    const lifted = await createSuspensions({ db: tx, ring }).lift(accounts);
    if (lifted > 0) await audit.append(tx, entry('user.lifted', by, userId, { lifted }));
    return lifted;
  }

  /** What is to be granted, or what is wrong with it. */
  async function read({ plan: name, lastDay }: Granting): Promise<Granted> {
    const { plans } = await readPlans();
    const plan = plans.get(name);
    if (plan === undefined) return { result: 'no-plan', plans: [...plans.keys()] };
    if (lastDay === undefined) return { result: 'granted', plan: name, until: null };
    if (!isDay(lastDay)) return { result: 'no-day' };
    // That day is part of it.
    const until = DateTime.fromISO(lastDay, { zone: plan.timeZone }).plus({ days: 1 }).toJSDate();
    if (until <= now()) return { result: 'day-is-over' };
    return { result: 'granted', plan: name, until };
  }

  /** @param owners whom it stays with when accounts are separated again */
  async function grantIn(
    tx: Transaction,
    { userId, owners }: { readonly userId: number; readonly owners: readonly number[] },
    { plan, until }: Extract<Granted, { result: 'granted' }>,
    by: Doer,
  ): Promise<void> {
    for (const owner of owners) {
      await grantPlan(tx, owner, { plan, until, at: now(), by: nameOf(by) });
    }
    const end = until?.toISOString() ?? 'for good';
    await audit.append(tx, entry('user.granted', by, userId, { plan, until: end }));
  }

  return {
    suspend: (who, what, by) =>
      db.transaction(async (tx) => {
        const { userId, accounts } = await accountsOf(tx, who);
        const id = await suspendIn(tx, accounts, { ...what, userId }, by);
        return { id, isKnown: userId !== null };
      }),

    lift: (who, by) =>
      db.transaction(async (tx) => {
        const { userId, accounts } = await accountsOf(tx, who);
        return liftIn(tx, accounts, userId, by);
      }),

    async grant(who, what, by) {
      const granted = await read(what);
      if (granted.result !== 'granted') return granted;
      return db.transaction(async (tx) => {
        const person = await findPerson(tx, who);
        if (person === undefined) return { result: 'no-user' };
        await grantIn(tx, { userId: person.userId, owners: [person.ownerId] }, granted, by);
        return granted;
      });
    },

    pauseHouse: (by) =>
      db.transaction(async (tx) => {
        const changed = await pauseHouse(tx, nameOf(by), now());
        if (changed) await audit.append(tx, entry('house.paused', by, null));
        return changed;
      }),

    resumeHouse: (by) =>
      db.transaction(async (tx) => {
        const changed = await resumeHouse(tx);
        if (changed) await audit.append(tx, entry('house.resumed', by, null));
        return changed;
      }),

    newestAbout: (userId) => newestAbout(db, userId),

    suspendSeen: (user, what, by) =>
      whereSeen(user, (tx, accounts) =>
        suspendIn(tx, accounts, { ...what, userId: user.userId }, by),
      ),

    liftSeen: (user, by) =>
      whereSeen(user, (tx, accounts) => liftIn(tx, accounts, user.userId, by)),

    async grantSeen(user, what, by) {
      const granted = await read(what);
      if (granted.result !== 'granted') return granted;
      return whereSeen(user, async (tx) => {
        const { userId } = user;
        // What a linked account has brought is taken back with it.
        const owners = what.plan === FREE_PLAN ? await ownersOf(tx, userId) : [userId];
        await grantIn(tx, { userId, owners }, granted, by);
        return granted;
      });
    },
  };
}

const nameOf = (by: Doer): string => (by === 'shell' ? by : `${by.platform}:${by.platformUserId}`);
