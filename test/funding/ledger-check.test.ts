import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { HOUSE, openWindows } from '../../src/funding/budgets.ts';
import { checkLedger, type Difference } from '../../src/funding/ledger-check.ts';
import { windowOf } from '../../src/funding/windows.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

test('a budget that differs from its rows is told, once a day, and left as it is', async () => {
  const { db } = database;
  const told: (readonly Difference[])[] = [];
  const check = (everyMs?: number) => checkLedger(db, (found) => told.push(found), everyMs);
  const window = windowOf('day', new Date());
  await openWindows(db, [{ holder: HOUSE, window }]);
  await check();
  expect(told).toEqual([]);
  await db.execute(sql`update budgets set spent_micros = 5`);
  await check();
  expect(told).toEqual([]);
  await Promise.all([check(0), check(60_000), check(60_000)]);
  expect(told).toEqual([
    [
      {
        budgetId: expect.any(Number),
        holder: 'house',
        period: 'day',
        turns: 0,
        spentMicros: 5,
        reservedMicros: 0,
        grantedMicros: 0,
      },
    ],
  ]);
  const [row] = await db.execute(sql`select spent_micros as spent from budgets`);
  expect(row).toEqual({ spent: 5 });
});
