import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { and, desc, eq } from '../../src/db/drizzle.ts';
import { budgets, turns } from '../../src/db/schema.ts';
import { parseUsd } from '../../src/funding/money.ts';
import { createOwnLimit, type OwnLimit } from '../../src/funding/own-limit.ts';
import { createMailbox } from '../../src/queue/mailbox.ts';
import { turnFor, userWithChat, type Who } from '../queue/turns.ts';
import type { TestDatabase } from '../support/database.ts';
import { createLedgerDatabase, expectSums, ownLedger } from '../support/ledger.ts';
import { settleAlone } from '../support/settle.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createLedgerDatabase();
});
afterAll(() => database.close());

/** Input 1,000 micros; output 10 micros a token. */
const COST = { inputMicros: 1_000, outputMicrosPerMillion: 10_000_000 };
const USD = 1_000_000;

async function setUp() {
  let now = new Date('2030-06-15T12:00:00Z');
  const limit: OwnLimit = createOwnLimit({ db: database.db, now: () => now });
  const ledger = ownLedger({ db: database.db, now: () => now });
  const mailbox = createMailbox({ db: database.db, limit: 10_000 });
  const who: Who = await userWithChat(database.db);
  const turn = async () => {
    const accepted = await mailbox.accept(turnFor(who, Math.floor(Math.random() * 1e9)));
    if (accepted.result !== 'accepted') throw new Error('not accepted');
    const { turnId } = accepted;
    await database.db
      .update(turns)
      .set({ status: 'running', attempt: 1 })
      .where(eq(turns.id, turnId));
    return { turnId, attempt: 1, userId: who.userId };
  };
  return {
    limit,
    ledger,
    userId: who.userId,
    turn,
    settle: async (t: Awaited<ReturnType<typeof turn>>, spentMicros: number) => {
      const settled = { ...t, spentMicros, answered: true };
      await settleAlone(database.db, ledger.settlement(settled));
    },
    at: (when: string) => {
      now = new Date(when);
    },
    reserve: async (maxOutputTokens = 1_000) => {
      const t = await turn();
      return { t, reserved: await ledger.reserve({ ...t, ...COST, maxOutputTokens }) };
    },
    /** Of the newest day and month. */
    row: async () => {
      const newest = async (period: 'day' | 'month') => {
        const [row] = await database.db
          .select({ spent: budgets.spentMicros, reserved: budgets.reservedMicros })
          .from(budgets)
          .where(and(eq(budgets.userId, who.userId), eq(budgets.period, period)))
          .orderBy(desc(budgets.starts));
        return row;
      };
      return { day: await newest('day'), month: await newest('month') };
    },
  };
}

describe('a limit of one’s own', () => {
  test('does nothing to who set none', async () => {
    const { reserve, limit, userId, row, settle } = await setUp();
    const { t, reserved } = await reserve(8_192);
    expect(reserved).toMatchObject({ ok: true, maxOutputTokens: 8_192 });
    await settle(t, 5_000);
    expect(await limit.state(userId)).toEqual([]);
    expect(await row()).toMatchObject({ day: { spent: 5_000, reserved: 0 } });
  });

  test('clamps the output to what remains', async () => {
    const { limit, userId, reserve } = await setUp();
    await limit.set(userId, 'day', 6_000);
    expect((await reserve()).reserved).toMatchObject({ ok: true, maxOutputTokens: 500 });
  });

  test('refuses a turn that could not say 256 tokens, and reserves nothing for it', async () => {
    const { limit, userId, reserve, row } = await setUp();
    await limit.set(userId, 'day', 1_000 + 255 * 10);
    expect((await reserve()).reserved).toEqual({ ok: false, reason: 'own-day-limit' });
    expect((await row()).day?.reserved ?? 0).toBe(0);
    await limit.set(userId, 'day', 1_000 + 256 * 10);
    expect((await reserve()).reserved).toMatchObject({ ok: true, maxOutputTokens: 256 });
  });

  test('refuses a model whose price is unknown', async () => {
    const { limit, ledger, userId, turn } = await setUp();
    const unpriced = async () =>
      ledger.reserve({ ...(await turn()), ...COST, maxOutputTokens: 1_000 }, false);
    await limit.set(userId, 'month', 20 * USD);
    expect(await unpriced()).toEqual({ ok: false, reason: 'price-unknown' });
    await limit.clear(userId);
    expect(await unpriced()).toMatchObject({ ok: true, maxOutputTokens: 1_000, amountMicros: 0 });
  });

  test('holds under fifty turns at once', async () => {
    const { limit, ledger, userId, turn, row } = await setUp();
    await limit.set(userId, 'day', 50_000);
    const all = await Promise.all(Array.from({ length: 50 }, () => turn()));
    const reserved = await Promise.all(
      all.map((t) => ledger.reserve({ ...t, ...COST, maxOutputTokens: 1_000 })),
    );
    const granted = reserved.flatMap((r) => (r.ok ? [1_000 + r.maxOutputTokens * 10] : []));
    const sum = granted.reduce((a, b) => a + b, 0);
    expect(sum).toBeLessThanOrEqual(50_000);
    expect(sum).toBeGreaterThan(50_000 - (1_000 + 256 * 10));
    expect(await row()).toMatchObject({ day: { reserved: sum, spent: 0 } });
  });

  test('an attempt that was taken over reserves nothing', async () => {
    const { limit, ledger, userId, turn, row } = await setUp();
    await limit.set(userId, 'day', 50_000);
    const t = await turn();
    await database.db.update(turns).set({ attempt: 2 }).where(eq(turns.id, t.turnId));
    expect(await ledger.reserve({ ...t, ...COST, maxOutputTokens: 1_000 })).toEqual({
      ok: false,
      reason: 'taken-over',
    });
    expect((await row()).day?.reserved ?? 0).toBe(0);
  });

  test('is settled with what was really used, once', async () => {
    const { limit, userId, reserve, row, settle } = await setUp();
    await limit.set(userId, 'day', 50_000);
    const { t } = await reserve();
    await settle(t, 700);
    await settle(t, 700);
    expect(await row()).toEqual({
      day: { spent: 700, reserved: 0 },
      month: { spent: 700, reserved: 0 },
    });
  });

  test('counts an attempt whose worker died at its whole reservation, or not at all', async () => {
    const { limit, ledger, userId, reserve, row } = await setUp();
    await limit.set(userId, 'day', 500_000);
    const [asked, notAsked] = [await reserve(), await reserve()];
    await ledger.settleLost({ ...asked.t, attempt: 2 }, true);
    await ledger.settleLost({ ...notAsked.t, attempt: 2 }, false);
    await ledger.settleLost({ ...asked.t, attempt: 2 }, true);
    expect(await row()).toMatchObject({ day: { spent: 11_000, reserved: 0 } });
  });

  test('begins anew at midnight UTC, a month’s at the first; the smaller rest counts', async () => {
    const { limit, userId, reserve, at, row, settle } = await setUp();
    await limit.set(userId, 'day', 20_000);
    await limit.set(userId, 'month', 30_000);
    at('2030-06-15T23:59:59Z');
    const first = await reserve(1_900);
    expect(first.reserved).toMatchObject({ ok: true });
    expect((await reserve()).reserved).toEqual({ ok: false, reason: 'own-day-limit' });
    at('2030-06-16T00:00:00Z');
    // 10,000 of the month are left: the day alone would allow twice as much.
    expect((await reserve(1_900)).reserved).toMatchObject({ ok: true, maxOutputTokens: 900 });
    expect((await reserve()).reserved).toEqual({ ok: false, reason: 'own-month-limit' });
    // Yesterday's turn ends today: it changes the month's sum, not today's.
    await settle(first.t, 15_000);
    expect(await row()).toEqual({
      day: { spent: 0, reserved: 10_000 },
      month: { spent: 15_000, reserved: 10_000 },
    });
    expect(await limit.state(userId)).toEqual([
      {
        period: 'day',
        limitMicros: 20_000,
        usedMicros: 10_000,
        resetsAt: new Date('2030-06-17T00:00:00Z'),
      },
      {
        period: 'month',
        limitMicros: 30_000,
        usedMicros: 25_000,
        resetsAt: new Date('2030-07-01T00:00:00Z'),
      },
    ]);
    at('2030-07-01T00:00:00Z');
    expect(await limit.state(userId)).toMatchObject([{ usedMicros: 0 }, { usedMicros: 0 }]);
    expect((await reserve(1_900)).reserved).toMatchObject({ ok: true, maxOutputTokens: 1_900 });
  });

  test('knows nothing of a clock that went back', async () => {
    const { limit, userId, reserve, at } = await setUp();
    await limit.set(userId, 'day', 20_000);
    await reserve(1_900);
    at('2030-06-14T12:00:00Z');
    expect((await reserve()).reserved).toEqual({ ok: false, reason: 'own-day-limit' });
  });

  test('that is set in the middle of a day knows what that day has cost', async () => {
    const { limit, userId, at, reserve, settle } = await setUp();
    const spend = async (when: string, micros: number) => {
      at(when);
      await settle((await reserve()).t, micros);
    };
    await spend('2030-05-31T23:59:59Z', 9_500);
    await spend('2030-06-14T23:59:59Z', 9_000);
    await spend('2030-06-15T00:00:00Z', 4_000);
    const running = await reserve();
    await limit.set(userId, 'day', 20_000);
    await limit.set(userId, 'month', 40_000);
    expect(await limit.state(userId)).toMatchObject([
      { usedMicros: 15_000 },
      { usedMicros: 24_000 },
    ]);
    // A turn that was running then counts too.
    await settle(running.t, 2_000);
    expect(await limit.state(userId)).toMatchObject([
      { usedMicros: 6_000 },
      { usedMicros: 15_000 },
    ]);
    // Off and on again, it has forgotten nothing.
    await limit.clear(userId);
    expect(await limit.clear(userId)).toBe(false);
    const unlimited = await reserve(8_192);
    expect(unlimited.reserved).toMatchObject({ maxOutputTokens: 8_192 });
    await settle(unlimited.t, 500);
    await limit.set(userId, 'day', 20_000);
    expect(await limit.state(userId)).toMatchObject([{ usedMicros: 6_500 }]);
  });

  test('is never passed and never loses count, whatever happens in whatever order', async () => {
    const step = fc.record({
      what: fc.constantFrom('reserve', 'settle', 'lose', 'off', 'on', 'midnight'),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { limit, ledger, userId, turn, at, row, settle } = await setUp();
        let day = 15;
        await limit.set(userId, 'day', 60_000);
        const open: { t: Awaited<ReturnType<typeof turn>>; amount: number }[] = [];
        for (const { what, share } of steps) {
          if (what === 'reserve') {
            const t = await turn();
            const reserved = await ledger.reserve({ ...t, ...COST, maxOutputTokens: 1_000 });
            if (reserved.ok) open.push({ t, amount: 1_000 + reserved.maxOutputTokens * 10 });
          } else if (what === 'settle') {
            const one = open.shift();
            // Never more than was reserved.
            if (one) await settle(one.t, Math.floor(one.amount * share));
          } else if (what === 'lose') {
            const one = open.pop();
            if (one) await ledger.settleLost({ ...one.t, attempt: 2 }, share < 0.5);
          } else if (what === 'off') await limit.clear(userId);
          else if (what === 'on') await limit.set(userId, 'day', 60_000);
          else {
            day += 1;
            at(`2030-06-${Math.min(day, 30)}T00:00:01Z`);
          }
        }
        for (const { t, amount } of open) await settle(t, amount);
        const { day: today, month } = await row();
        expect([today?.reserved ?? 0, month?.reserved ?? 0]).toEqual([0, 0]);
        await expectSums(database.db);
      }),
      { numRuns: 25 },
    );
  });
});

describe('a sum that somebody wrote', () => {
  test.each([
    ['2.50', 2_500_000],
    ['$20', 20_000_000],
    ['20$', 20_000_000],
    ['0,5', 500_000],
    ['0.01', 10_000],
    ['1000000', 1_000_000_000_000],
    ['.5', undefined],
    ['0', undefined],
    ['0.00', undefined],
    ['-1', undefined],
    ['1,000', undefined],
    ['1.000', undefined],
    ['1000001', undefined],
    ['1e3', undefined],
    ['NaN', undefined],
    ['٣', undefined],
    ['2.5.0', undefined],
    ['9'.repeat(400), undefined],
  ])('%s', (text, micros) => {
    expect(parseUsd(text)).toBe(micros);
  });
});
