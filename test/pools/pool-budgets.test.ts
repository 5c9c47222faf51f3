import { afterAll, beforeAll, expect, test } from 'vitest';
import { adjust, memberHolder } from '../../src/funding/budgets.ts';
import {
  memberBudgets,
  memberCaps,
  raiseMember,
  resetMember,
} from '../../src/pools/pool-budgets.ts';
import { type PoolSettings, USUAL_SETTINGS } from '../../src/pools/pool-settings.ts';
import { poolWindow } from '../../src/pools/pool-windows.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { expectSums } from '../support/ledger.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

const settings = (more: Partial<PoolSettings>): PoolSettings => ({
  ...USUAL_SETTINGS,
  models: ['m'],
  ...more,
});
let last = 0;
function member(more: Partial<PoolSettings>, joinedAt = '2026-01-10') {
  last += 1;
  return { poolId: 1, memberId: last, joinedAt: new Date(joinedAt), settings: settings(more) };
}
type Who = ReturnType<typeof member>;

const spend = (who: Who, micros: number, at: Date) =>
  adjust(
    database.db,
    {
      holder: memberHolder(who.poolId, who.memberId),
      window: poolWindow(who.settings, 'month', at),
    },
    { turns: 1, micros },
    'test',
  );
const monthOf = async (who: Who, at: Date) =>
  (await memberBudgets(database.db, who, at)).find(({ period }) => period === 'month');

const month = { hour: null, day: null, month: 200_000 };
const [march, april, may] = ['2026-03-15', '2026-04-15', '2026-05-15'].map((d) => new Date(d));

test('what is left is gone with the month, unless the owner lets it be carried over, once', async () => {
  if (march === undefined || april === undefined || may === undefined) throw new Error('no months');
  const plain = member({ memberMicros: month });
  const carries = member({ memberMicros: month, carriesOver: true });
  for (const who of [plain, carries]) await spend(who, 50_000, march);
  expect(await monthOf(plain, april)).toMatchObject({ limitMicros: 200_000, usedMicros: 0 });
  expect(await monthOf(carries, april)).toMatchObject({ limitMicros: 350_000, usedMicros: 0 });
  // Of April alone: what March left is not carried on.
  expect(await monthOf(carries, may)).toMatchObject({ limitMicros: 400_000 });
  await spend(carries, 100_000, april);
  // Of what March left, whatever is spent since.
  expect(await monthOf(carries, april)).toMatchObject({
    limitMicros: 350_000,
    usedMicros: 100_000,
  });
  await spend(carries, 250_000, april);
  expect(await monthOf(carries, may)).toMatchObject({ limitMicros: 200_000 });
});

test('nothing is carried over from before a member joined', async () => {
  if (april === undefined) throw new Error('no month');
  const late = member({ memberMicros: month, carriesOver: true }, '2026-04-02');
  expect(await monthOf(late, april)).toMatchObject({ limitMicros: 200_000 });
});

test('a reset and a raise hold for the open windows, and the books know of both', async () => {
  if (april === undefined || may === undefined) throw new Error('no months');
  const who = member({ memberMicros: { hour: 10_000, day: 50_000, month: 200_000 } });
  await spend(who, 180_000, april);
  await raiseMember(database.db, who, 30_000, april);
  expect(await monthOf(who, april)).toMatchObject({ limitMicros: 230_000, usedMicros: 180_000 });
  await resetMember(database.db, who, april);
  expect(await monthOf(who, april)).toMatchObject({ limitMicros: 230_000, usedMicros: 0 });
  expect(await monthOf(who, may)).toMatchObject({ limitMicros: 200_000 });
  const caps = memberCaps(who, await memberBudgets(database.db, who, april));
  expect(caps.map(({ window, limitMicros }) => [window.period, limitMicros])).toEqual([
    ['hour', 40_000],
    ['day', 80_000],
    ['month', 230_000],
    ['total', 20_000_000],
  ]);
  await expectSums(database.db);
});
