import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { and, eq, sql } from '../../src/db/drizzle.ts';
import { budgets, turns } from '../../src/db/schema.ts';
import { formatUsd, houseDay, nextHouseDay } from '../../src/funding/money.ts';
import { createMailbox } from '../../src/queue/mailbox.ts';
import { turnFor, userWithChat } from '../queue/turns.ts';
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
  microsPerDay: 100_000,
  houseMicrosPerDay: 5_000_000,
};

/** Another day for each test: the house's row is everybody's. */
let days = 0;
function setUp(limits: Partial<AllowanceLimits> = {}) {
  days += 1;
  const now = new Date(Date.UTC(2030, 0, days, 12));
  const allowance = houseLedger({
    db: database.db,
    limits: { ...LIMITS, ...limits },
    now: () => now,
  });
  const mailbox = createMailbox({ db: database.db, limit: 10_000 });
  const day = houseDay(now);
  return {
    allowance,
    day,
    async turn(who?: Awaited<ReturnType<typeof userWithChat>>) {
      const whom = who ?? (await userWithChat(database.db));
      const accepted = await mailbox.accept(turnFor(whom, Math.floor(Math.random() * 1e9)));
      if (accepted.result !== 'accepted') throw new Error('not accepted');
      const { turnId } = accepted;
      await database.db
        .update(turns)
        .set({ status: 'running', attempt: 1 })
        .where(eq(turns.id, turnId));
      return { turnId, attempt: 1, userId: whom.userId };
    },
    async settle(
      t: { readonly turnId: number; readonly attempt: number },
      spentMicros: number,
      answered: boolean,
    ) {
      await settleAlone(database.db, allowance.settlement({ ...t, spentMicros, answered }));
    },
    async today({ userId }: { readonly userId: number }) {
      return (await allowance.state(userId)).windows[0];
    },
    async house() {
      const [row] = await database.db
        .select()
        .from(budgets)
        .where(and(eq(budgets.holderKind, 'house'), eq(budgets.starts, new Date(day))));
      return row ?? { spentMicros: 0, reservedMicros: 0 };
    },
  };
}

/** Output at 10 dollars a million tokens: 10 micros a token. */
const request = {
  inputMicros: 1_000,
  outputMicrosPerMillion: 10_000_000,
  maxOutputTokens: 1_000,
};

describe('the house allowance', () => {
  test('the 21st turn of a day is refused', async () => {
    const { allowance, turn, settle } = setUp({ microsPerDay: 100_000_000 });
    const who = await userWithChat(database.db);
    for (let i = 0; i < 20; i += 1) {
      const t = await turn(who);
      expect((await allowance.reserve({ ...t, ...request })).ok).toBe(true);
      await settle(t, 10, true);
    }
    const t = await turn(who);
    expect(await allowance.reserve({ ...t, ...request })).toEqual({
      ok: false,
      reason: 'turns-used',
    });
  });

  test('a turn that was not answered is given back, and the house still pays', async () => {
    const { allowance, turn, house, settle, today } = setUp();
    const t = await turn();
    await allowance.reserve({ ...t, ...request });
    await settle(t, 500, false);
    expect(await today(t)).toMatchObject({ turnsUsed: 0, spentMicros: 0 });
    expect(await house()).toMatchObject({ spentMicros: 500, reservedMicros: 0 });
  });

  test('an attempt that was taken over reserves nothing', async () => {
    const { allowance, turn, house, today } = setUp();
    const t = await turn();
    await database.db.update(turns).set({ attempt: 2 }).where(eq(turns.id, t.turnId));
    expect(await allowance.reserve({ ...t, ...request })).toEqual({
      ok: false,
      reason: 'taken-over',
    });
    expect(await house()).toMatchObject({ reservedMicros: 0 });
    expect(await today(t)).toMatchObject({ turnsUsed: 0, spentMicros: 0 });
  });

  test('settling twice changes nothing', async () => {
    const { allowance, turn, house, settle, today } = setUp();
    const t = await turn();
    await allowance.reserve({ ...t, ...request });
    await settle(t, 500, true);
    await settle(t, 500, true);
    expect(await house()).toMatchObject({ spentMicros: 500, reservedMicros: 0 });
    expect(await today(t)).toMatchObject({ turnsUsed: 1, spentMicros: 500 });
  });

  test('the output is clamped to what remains', async () => {
    const { allowance, turn } = setUp({ microsPerDay: 6_000 });
    const t = await turn();
    expect(await allowance.reserve({ ...t, ...request })).toEqual({
      ok: true,
      maxOutputTokens: 500,
      amountMicros: 6_000,
    });
  });

  test('a turn that could not say 256 tokens is refused instead', async () => {
    const { allowance, turn, house } = setUp({ microsPerDay: 1_000 + 255 * 10 });
    const t = await turn();
    expect(await allowance.reserve({ ...t, ...request })).toEqual({
      ok: false,
      reason: 'money-used',
    });
    expect(await house()).toMatchObject({ reservedMicros: 0 });
  });

  test('limits of a hundred million dollars and more are no limit to the arithmetic', async () => {
    const { allowance, turn } = setUp({ microsPerDay: 1e14, houseMicrosPerDay: 1e15 });
    const t = await turn();
    expect(await allowance.reserve({ ...t, ...request })).toMatchObject({ maxOutputTokens: 1_000 });
  });

  test('a used-up house says so', async () => {
    const { allowance, turn } = setUp({ houseMicrosPerDay: 2_000 });
    const t = await turn();
    expect(await allowance.reserve({ ...t, ...request })).toEqual({
      ok: false,
      reason: 'house-used',
    });
  });

  test('the house’s cap holds under 50 parallel turns', async () => {
    const { allowance, turn, house } = setUp({ houseMicrosPerDay: 50_000 });
    const turns = await Promise.all(Array.from({ length: 50 }, () => turn()));
    const results = await Promise.all(turns.map((t) => allowance.reserve({ ...t, ...request })));
    const reserved = results.reduce((sum, r) => sum + (r.ok ? r.amountMicros : 0), 0);
    expect(reserved).toBeLessThanOrEqual(50_000);
    expect(results.filter((r) => r.ok).length).toBeGreaterThan(3);
    expect((await house()).reservedMicros).toBe(reserved);
  });

  test('an attempt whose worker died is settled at its whole reservation', async () => {
    const { allowance, turn, house, settle, today } = setUp();
    const t = await turn();
    await allowance.reserve({ ...t, ...request });
    await allowance.settleLost({ turnId: t.turnId, attempt: 2 }, true);
    expect(await house()).toMatchObject({ spentMicros: 11_000, reservedMicros: 0 });
    expect((await today(t))?.turnsUsed).toBe(0);
    // The attempt that was taken over comes back to life: too late.
    await settle(t, 1, true);
    expect(await house()).toMatchObject({ spentMicros: 11_000 });
  });

  test('an attempt that never asked the provider costs nothing', async () => {
    const { allowance, turn, house } = setUp();
    const t = await turn();
    await allowance.reserve({ ...t, ...request });
    await allowance.settleLost({ turnId: t.turnId, attempt: 2 }, false);
    expect(await house()).toMatchObject({ spentMicros: 0, reservedMicros: 0 });
  });

  test('sums always equal the rows, whatever is reserved, settled and lost at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            who: fc.integer({ min: 0, max: 2 }),
            input: fc.integer({ min: 0, max: 5_000 }),
            output: fc.integer({ min: 0, max: 2_000 }),
            end: fc.constantFrom('answered', 'failed', 'lost', 'open'),
            spentShare: fc.double({ min: 0, max: 1, noNaN: true }),
          }),
          { minLength: 1, maxLength: 25 },
        ),
        async (steps) => {
          const { allowance, turn, house, day, settle } = setUp({ houseMicrosPerDay: 120_000 });
          const people = await Promise.all([0, 1, 2].map(() => userWithChat(database.db)));
          await Promise.all(
            steps.map(async (step) => {
              const t = await turn(people[step.who]);
              const reserved = await allowance.reserve({
                ...t,
                ...request,
                inputMicros: step.input,
                maxOutputTokens: step.output,
              });
              if (!reserved.ok || step.end === 'open') return;
              if (step.end === 'lost') {
                await allowance.settleLost({ ...t, attempt: 2 }, step.spentShare > 0.5);
                return;
              }
              const spent = Math.floor(reserved.amountMicros * step.spentShare);
              await settle(t, spent, step.end === 'answered');
            }),
          );
          await expectSums(database.db);
          const total = await house();
          expect(total.spentMicros + total.reservedMicros).toBeLessThanOrEqual(120_000);
          const mine = await database.db
            .select()
            .from(budgets)
            .where(and(eq(budgets.holderKind, 'user'), eq(budgets.starts, new Date(day))));
          expect(mine.reduce((t, r) => t + r.reservedMicros, 0)).toBe(total.reservedMicros);
          for (const row of mine)
            expect(row.spentMicros + row.reservedMicros).toBeLessThanOrEqual(100_000);
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);
});

describe('money', () => {
  test('is shown with as many digits as it needs', () => {
    expect([0, 1, 10_000, 12_300, 2_500_000, 1_234_567_891, -50_000].map(formatUsd)).toEqual([
      '$0.00',
      '$0.000001',
      '$0.01',
      '$0.0123',
      '$2.50',
      '$1234.567891',
      '-$0.05',
    ]);
  });

  test('the house’s day ends at midnight UTC', () => {
    expect(nextHouseDay(new Date('2026-12-31T23:59:59.999Z')).toISOString()).toBe(
      '2027-01-01T00:00:00.000Z',
    );
    expect(houseDay(new Date('2026-12-31T23:59:59.999Z'))).toBe('2026-12-31');
  });
});

test('a budget can never go negative', async () => {
  await expect(
    database.db.execute(sql`
      insert into budgets (holder_kind, holder_id, period, starts, spent_micros)
      values ('house', '', 'day', '2001-01-01', -1)`),
  ).rejects.toThrow();
});
