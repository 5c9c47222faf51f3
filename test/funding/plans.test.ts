/** Plans, the house's drain and rates, at the ledger. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eq } from '../../src/db/drizzle.ts';
import { identities, turns, users } from '../../src/db/schema.ts';
import { houseToday } from '../../src/funding/house-state.ts';
import { createHouseWatch, type HouseWarning } from '../../src/funding/house-watch.ts';
import { createUserPlans, grantPlan } from '../../src/funding/plans.ts';
import { parsePlans } from '../../src/funding/plans-file.ts';
import { createMailbox } from '../../src/queue/mailbox.ts';
import { turnFor, userWithChat, type Who } from '../queue/turns.ts';
import type { TestDatabase } from '../support/database.ts';
import {
  type AllowanceLimits,
  createLedgerDatabase,
  expectSums,
  houseLedger,
} from '../support/ledger.ts';
import { settleAlone } from '../support/settle.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createLedgerDatabase();
});
afterAll(() => database.close());

const LIMITS: AllowanceLimits = {
  turnsPerDay: 20,
  microsPerDay: 1_000_000,
  houseMicrosPerDay: 100_000_000,
};
/** 1,000 micros of input and at most 10,000 of output; 1,100 tokens. */
const request = {
  inputMicros: 1_000,
  outputMicrosPerMillion: 10_000_000,
  maxOutputTokens: 1_000,
};
const COST = 11_000;
const TOKENS = 1_100;

function setUp(file: object, start: string, limits: Partial<AllowanceLimits> = {}) {
  const clock = { at: new Date(start) };
  const now = () => clock.at;
  const all = { ...LIMITS, ...limits };
  const plans = parsePlans(JSON.stringify(file), all);
  const { db } = database;
  const ledger = houseLedger({ db, limits: all, plans, now });
  const mailbox = createMailbox({ db, limit: 10_000 });
  return {
    clock,
    plans,
    ledger,
    /** @param since when the user wrote for the first time */
    async person(since = '2020-01-01') {
      const who = await userWithChat(db);
      await db
        .update(users)
        .set({ createdAt: new Date(since) })
        .where(eq(users.id, who.userId));
      return who;
    },
    grant: (who: Who, plan: string, until: Date | null = null) =>
      grantPlan(db, who.userId, { plan, until, at: now(), by: 'operator' }),
    async ask(who: Who, chat?: { readonly wholeId: string; readonly microsPerDay: number }) {
      const accepted = await mailbox.accept(turnFor(who, Math.floor(Math.random() * 1e9)));
      if (accepted.result !== 'accepted') throw new Error(accepted.result);
      const { turnId } = accepted;
      await db.update(turns).set({ status: 'running', attempt: 1 }).where(eq(turns.id, turnId));
      const reserved = await ledger.reserve({
        turnId,
        attempt: 1,
        userId: who.userId,
        ...request,
        ...(chat === undefined
          ? {}
          : { chat: { platform: 'telegram', turnsPerDay: null, ...chat } }),
      });
      return { ...reserved, turnId };
    },
    settle: (turnId: number, spentMicros: number, tokens?: number) =>
      settleAlone(
        db,
        ledger.settlement({ turnId, attempt: 1, spentMicros, answered: true, tokens }),
      ),
  };
}

const reasonOf = (result: { readonly ok: boolean; readonly reason?: string }) =>
  result.ok ? 'ok' : result.reason;

describe('a plan', () => {
  test('holds by day, week and month at once, each with its own time', async () => {
    const { clock, ledger, person, ask } = setUp(
      { free: { day: { turns: 2 }, week: { turns: 3 }, month: { turns: 4 } } },
      '2031-01-06T12:00:00Z',
    );
    const who = await person();
    const results: (string | undefined)[] = [];
    for (const day of ['06', '06', '06', '07', '08', '13', '14']) {
      clock.at = new Date(`2031-01-${day}T12:00:00Z`);
      results.push(reasonOf(await ask(who)));
    }
    expect(results).toEqual(['ok', 'ok', 'turns-used', 'ok', 'week-used', 'ok', 'month-used']);
    expect((await ledger.state(who.userId)).windows).toMatchObject([
      { period: 'day', turnsUsed: 0, turnsLimit: 2, resetsAt: new Date('2031-01-15') },
      { period: 'week', turnsUsed: 1, turnsLimit: 3, resetsAt: new Date('2031-01-20') },
      { period: 'month', turnsUsed: 4, turnsLimit: 4, resetsAt: new Date('2031-02-01') },
    ]);
  });

  test('begins its month anew at the turn of the month in its own time zone', async () => {
    const { clock, ask, person } = setUp(
      { free: { month: { turns: 1 }, timeZone: 'Europe/Berlin' } },
      '2031-01-31T22:59:59Z',
    );
    const who = await person();
    expect(reasonOf(await ask(who))).toBe('ok');
    expect(reasonOf(await ask(who))).toBe('month-used');
    clock.at = new Date('2031-01-31T23:00:00Z');
    expect(reasonOf(await ask(who))).toBe('ok');
  });

  test.each([
    ['25 hours when summer time ends', '2031-10-25T22:00:00Z', '2031-10-26T23:00:00Z'],
    ['23 hours when it begins', '2031-03-29T23:00:00Z', '2031-03-30T22:00:00Z'],
  ])('has a day of %s', async (_, starts, ends) => {
    const { clock, ask, person, ledger } = setUp(
      { free: { day: { turns: 1 }, timeZone: 'Europe/Berlin' } },
      starts,
    );
    const who = await person();
    expect(reasonOf(await ask(who))).toBe('ok');
    clock.at = new Date(new Date(ends).getTime() - 1);
    expect(reasonOf(await ask(who))).toBe('turns-used');
    expect((await ledger.state(who.userId)).windows[0]?.resetsAt).toEqual(new Date(ends));
    clock.at = new Date(ends);
    expect(reasonOf(await ask(who))).toBe('ok');
  });

  test('that is granted holds at once, counts what was used, and ends by itself', async () => {
    const { clock, ask, person, grant } = setUp(
      { free: { day: { turns: 1 } }, pro: { day: { turns: 3 } } },
      '2031-05-01T10:00:00Z',
    );
    const who = await person();
    expect(reasonOf(await ask(who))).toBe('ok');
    expect(reasonOf(await ask(who))).toBe('turns-used');
    await grant(who, 'pro', new Date('2031-05-01T20:00:00Z'));
    expect([await ask(who), await ask(who), await ask(who)].map(reasonOf)).toEqual([
      'ok',
      'ok',
      'turns-used',
    ]);
    clock.at = new Date('2031-05-02T10:00:00Z');
    expect([await ask(who), await ask(who)].map(reasonOf)).toEqual(['ok', 'turns-used']);
  });

  test('of another time zone begins no window anew before the running one ends', async () => {
    const { clock, ask, person, grant, ledger } = setUp(
      { free: { day: { turns: 1 } }, pro: { day: { turns: 1 }, timeZone: 'Asia/Tokyo' } },
      '2031-05-01T14:00:00Z',
    );
    const who = await person();
    expect(reasonOf(await ask(who))).toBe('ok');
    await grant(who, 'pro');
    clock.at = new Date('2031-05-01T16:00:00Z');
    expect(reasonOf(await ask(who))).toBe('turns-used');
    expect((await ledger.state(who.userId)).windows[0]?.resetsAt).toEqual(new Date('2031-05-02'));
    clock.at = new Date('2031-05-02T00:00:00Z');
    expect(reasonOf(await ask(who))).toBe('ok');
    clock.at = new Date('2031-05-02T15:00:00Z');
    expect(reasonOf(await ask(who))).toBe('ok');
  });

  test('that PLANS_FILE has no more is told of once, and the free one counts', async () => {
    const { person, grant, plans } = setUp({}, '2031-05-01T14:00:00Z');
    const who = await person();
    await grant(who, 'gone');
    const told: string[] = [];
    const standings = createUserPlans({
      db: database.db,
      plans,
      onUnknown: (name) => told.push(name),
    });
    expect((await standings.standing(who.userId)).plan.name).toBe('free');
    expect((await standings.standing(who.userId)).plan.name).toBe('free');
    expect(told).toEqual(['gone']);
  });

  test('of one of linked accounts holds for all, and goes with it', async () => {
    const { db } = database;
    const { person, grant, plans } = setUp({ pro: {} }, '2031-05-01T14:00:00Z');
    const [here, there] = [await person(), await person()];
    await grant(there, 'pro');
    const planOf = async ({ userId }: Who) =>
      (await createUserPlans({ db, plans, onUnknown: () => undefined }).standing(userId)).plan.name;
    expect([await planOf(here), await planOf(there)]).toEqual(['free', 'pro']);
    const isThere = eq(identities.platformUserId, there.platformChatId);
    const linked = { userId: here.userId, ownUserId: there.userId };
    await db.update(identities).set(linked).where(isThere);
    expect(await planOf(here)).toBe('pro');
    await db.update(identities).set({ userId: there.userId, ownUserId: null }).where(isThere);
    expect([await planOf(here), await planOf(there)]).toEqual(['free', 'pro']);
  });

  test('decides how many turns may wait', async () => {
    const { person, grant, plans } = setUp({ pro: { waiting: 2 } }, '2031-05-01T14:00:00Z');
    const { db } = database;
    const { waiting } = createUserPlans({ db, plans, onUnknown: () => undefined });
    const mailbox = createMailbox({ db, limit: (userId) => waiting(userId, 1) });
    const who = await person();
    expect((await mailbox.accept(turnFor(who, 1))).result).toBe('accepted');
    expect(await mailbox.accept(turnFor(who, 2))).toEqual({ result: 'full', limit: 1 });
    await grant(who, 'pro');
    expect((await mailbox.accept(turnFor(who, 3))).result).toBe('accepted');
    expect(await mailbox.accept(turnFor(who, 4))).toEqual({ result: 'full', limit: 2 });
  });

  test('decides the model, which its user may choose among those of the plan', async () => {
    const { person, ledger } = setUp(
      { free: { models: ['anthropic/a', 'openai/b', 'openai/c'] } },
      '2031-05-01T14:00:00Z',
    );
    const { userId } = await person();
    const modelAfter = async (provider: string, model: string) => {
      await database.db.update(users).set({ provider, model }).where(eq(users.id, userId));
      return (await ledger.terms(userId, undefined)).model;
    };
    expect((await ledger.terms(userId, undefined)).model).toBe('b');
    expect(await modelAfter('openai', 'c')).toBe('c');
    expect(await modelAfter('openai', 'dear')).toBe('b');
    expect(await modelAfter('groq', 'c')).toBe('b');
  });
});

describe('the house’s day', () => {
  test('can’t be emptied by fifty fresh accounts', async () => {
    const start = '2032-01-01T12:00:00Z';
    const { ask, person, grant } = setUp(
      { pro: {}, house: { newUserDayUsd: 0.025, newUsersDayUsd: 0.2 } },
      start,
      {
        houseMicrosPerDay: 1_000_000,
      },
    );
    const fresh = await Promise.all(Array.from({ length: 50 }, () => person('2031-12-30')));
    const asked = await Promise.all(
      fresh.flatMap((who) => Array.from({ length: 3 }, () => ask(who))),
    );
    const sum = asked.reduce((total, each) => total + (each.ok ? each.amountMicros : 0), 0);
    expect(sum).toBeLessThanOrEqual(200_000);
    expect(sum).toBeGreaterThan(190_000);
    expect(asked.map(reasonOf)).toContain('new-users-used');
    expect(reasonOf(await ask(await person()))).toBe('ok');
    const known = await person('2031-12-30');
    expect(reasonOf(await ask(known))).toBe('new-users-used');
    await grant(known, 'pro');
    expect(reasonOf(await ask(known))).toBe('ok');
    await expectSums(database.db);
  }, 30_000);

  test('is handed out by the hour, and what is left over goes on to the next', async () => {
    const { clock, ask, person } = setUp({ house: { hourly: true } }, '2032-02-01T00:10:00Z', {
      houseMicrosPerDay: 24 * 2 * COST,
    });
    const hour = async (at: string, tries: number) => {
      clock.at = new Date(`2032-02-01T${at}:00Z`);
      const people = await Promise.all(Array.from({ length: tries }, () => person()));
      const all = await Promise.all(people.map((who) => ask(who)));
      const refused = all.find(({ ok }) => !ok);
      return [all.filter(({ ok }) => ok).length, refused && reasonOf(refused)];
    };
    expect(await hour('00:10', 5)).toEqual([2, 'house-hour-used']);
    expect(await hour('00:59', 1)).toEqual([0, 'house-hour-used']);
    // Two hours' slices.
    expect(await hour('02:00', 6)).toEqual([4, 'house-hour-used']);
    expect(await hour('23:00', 50)).toEqual([42, 'house-used']);
  }, 30_000);

  test('is told of at 50, 80 and 100 %, once each, whichever process sees it', async () => {
    const start = '2032-03-01T12:00:00Z';
    const { ask, person, clock, settle } = setUp({}, start, { houseMicrosPerDay: 10 * COST });
    const told: (HouseWarning | string)[] = [];
    const watchOf = () =>
      createHouseWatch({
        db: database.db,
        houseMicrosPerDay: 10 * COST,
        warn: (what) => told.push('percent' in what ? `${what.percent}` : what.warning),
        onError: (error) => told.push(String(error)),
        now: () => clock.at,
      });
    const [one, other] = [watchOf(), watchOf()];
    const spend = async () => {
      const asked = await ask(await person());
      if (asked.ok) await settle(asked.turnId, COST);
      const { spentMicros } = await houseToday(database.db, clock.at);
      await Promise.all([one, other].map((w) => w.look({ spentMicros, starts: clock.at })));
      return reasonOf(asked);
    };
    for (let i = 0; i < 4; i += 1) await spend();
    expect(told).toEqual([]);
    await spend();
    await spend();
    expect(told).toEqual(['50']);
    for (let i = 0; i < 4; i += 1) await spend();
    expect(told).toEqual(['50', '80', '100']);
    expect(await spend()).toBe('house-used');
    await Promise.all([one.refused('house-used'), other.refused('house-used')]);
    await one.refused('new-users-used');
    await other.refused('new-users-used');
    expect(told).toEqual(['50', '80', '100', 'new-users-used']);
    const yesterday = clock.at;
    clock.at = new Date('2032-03-02T12:00:00Z');
    await one.look({ spentMicros: 10 * COST, starts: yesterday });
    expect(told).toHaveLength(4);
    await one.refused('house-used');
    expect(told.at(-1)).toBe('100');
    expect(told).toHaveLength(5);
  });

  test('is for those alone whom the operator let in, where there is a list', async () => {
    const { person, ledger } = setUp({}, '2032-04-01T12:00:00Z');
    const [one, other] = [await person(), await person()];
    expect((await ledger.terms(one.userId, undefined)).isAllowed).toBe(true);
    const listed = setUp(
      { house: { allow: [`telegram:${one.platformChatId}`] } },
      '2032-04-01T12:00:00Z',
    ).ledger;
    expect((await listed.terms(one.userId, undefined)).isAllowed).toBe(true);
    expect((await listed.terms(other.userId, undefined)).isAllowed).toBe(false);
  });
});

describe('a rate', () => {
  test('of a plan takes so many requests within any sixty seconds', async () => {
    const { ask, person, clock } = setUp(
      { free: { requestsPerMinute: 2 } },
      '2033-01-01T12:00:00Z',
    );
    const who = await person();
    expect(reasonOf(await ask(who))).toBe('ok');
    clock.at = new Date('2033-01-01T12:00:50Z');
    expect(reasonOf(await ask(who))).toBe('ok');
    clock.at = new Date('2033-01-01T12:00:55Z');
    const early = await ask(who);
    expect(early).toMatchObject({ ok: false, reason: 'over-rate' });
    // The first is out of the minute then.
    expect('waitMs' in early && early.waitMs).toBe(5_001);
    expect(reasonOf(await ask(await person()))).toBe('ok');
    clock.at = new Date('2033-01-01T12:01:00.001Z');
    expect(reasonOf(await ask(who))).toBe('ok');
    expect(await ask(who)).toMatchObject({ reason: 'over-rate', waitMs: 50_000 });
  });

  test('of tokens counts those that were used, once that is known', async () => {
    const { ask, person, settle } = setUp(
      { free: { tokensPerMinute: 2 * TOKENS } },
      '2033-01-02T12:00:00Z',
    );
    const who = await person();
    const [first, second] = [await ask(who), await ask(who)];
    expect([first, second].map(reasonOf)).toEqual(['ok', 'ok']);
    expect(reasonOf(await ask(who))).toBe('over-rate');
    await settle(first.turnId, 10, 500);
    await settle(second.turnId, 10, 500);
    expect(reasonOf(await ask(who))).toBe('ok');
  });

  test('lets a request through that is larger than its minute, where nothing else is in it', async () => {
    const { ask, person } = setUp({ free: { tokensPerMinute: 100 } }, '2033-01-03T12:00:00Z');
    const who = await person();
    expect([await ask(who), await ask(who)].map(reasonOf)).toEqual(['ok', 'over-rate']);
  });

  test('of a model is never passed, by fifty users at once', async () => {
    const { ask, person } = setUp(
      { house: { models: { 'openai/m': { requestsPerMinute: 7 } } } },
      '2033-01-04T12:00:00Z',
    );
    const people = await Promise.all(Array.from({ length: 50 }, () => person()));
    const all = await Promise.all(people.map((who) => ask(who)));
    expect(all.filter(({ ok }) => ok)).toHaveLength(7);
    expect(new Set(all.map(reasonOf))).toEqual(new Set(['ok', 'over-rate']));
    await expectSums(database.db);
  }, 30_000);
});
