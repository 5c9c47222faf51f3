/** What the operator sees of the spending, on a ledger made by hand. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { daysAgo, mostExpensive, sumBy, totals } from '../../src/funding/totals.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
const NOW = new Date('2040-03-10T12:00:00Z');
const since = daysAgo(7, NOW);

beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  await db.execute(sql`insert into users select from generate_series(1, 40)`);
  await db.execute(sql`
    insert into identities (platform, platform_user_id, user_id, own_user_id)
    values ('telegram', '1', 1, null), ('discord', '1', 1, 2), ('telegram', '3', 3, null)`);
});
afterAll(() => database.close());

interface Row {
  readonly userId: number;
  readonly at: string;
  readonly funding: 'own' | 'pool' | 'credit' | 'house';
  readonly micros: number | null;
  readonly fundingId?: number;
  readonly model?: string;
  readonly answered?: boolean;
  readonly isUnpriced?: boolean;
}

async function spent(...rows: readonly Row[]): Promise<void> {
  for (const row of rows) {
    const { userId, at, funding, micros, fundingId = null, model = 'm', answered = true } = row;
    const cost = row.isUnpriced === true ? null : micros;
    await database.db.execute(sql`
      with turn as (
        insert into turns (user_id, conversation, seq, status, sent_at, sent_order,
                           platform_user_id, reply_to, row_key, input, cost_micros)
        values (${userId}, 1, (select coalesce(max(seq), 0) + 1 from turns), 'done', now(), 1, '',
                '', '', '', ${cost}::bigint)
        returning id)
      insert into reservations (turn_id, attempt, user_id, funding, funding_id, provider, model,
                                amount_micros, tokens, at, settled_at, settled_micros, answered)
      select id, 1, ${userId}, ${funding}, ${fundingId}::bigint, 'openai', ${model},
             ${micros ?? 9}::bigint, 10, ${at}::timestamptz,
             case when ${micros === null} then null else ${at}::timestamptz end, ${micros}::bigint,
             case when ${micros === null} then null else ${answered}::boolean end
      from turn`);
  }
}

test('a window begins at midnight UTC, and what is under way is not in it', async () => {
  expect(since.toISOString()).toBe('2040-03-04T00:00:00.000Z');
  await spent(
    { userId: 1, at: '2040-03-03T23:59:59.999Z', funding: 'house', micros: 5_000 },
    { userId: 1, at: '2040-03-04T00:00:00Z', funding: 'house', micros: 100 },
    { userId: 1, at: '2040-03-10T11:00:00Z', funding: 'house', micros: null },
    { userId: 1, at: '2040-03-10T11:00:00Z', funding: 'house', micros: 200, answered: false },
    { userId: 2, at: '2040-03-10T11:00:00Z', funding: 'own', micros: 3_000, model: 'n' },
    { userId: 3, at: '2040-03-09T11:00:00Z', funding: 'pool', fundingId: 4, micros: 1_000 },
    { userId: 3, at: '2040-03-09T11:00:00Z', funding: 'credit', fundingId: 5, micros: 500 },
    { userId: 3, at: '2040-03-09T12:00:00Z', funding: 'own', micros: 0, isUnpriced: true },
  );
  await database.db.execute(sql`
    insert into forgotten_usage (pseudonym, day, funding, provider, model, turns, input_tokens,
                                 cached_input_tokens, output_tokens, cost_micros, house_micros)
    values ('x', '2040-03-04', 'house', 'openai', 'm', 2, 1, 0, 1, 50, 50),
           ('x', '2040-03-03', 'house', 'openai', 'm', 2, 1, 0, 1, 70, 70),
           ('x', '2040-03-05', null, null, null, 2, 1, 0, 1, 0, 0)`);
  const rows = await totals(database.db, since);
  expect(rows.map(({ day }) => day)).toEqual([
    ...['2040-03-10', '2040-03-10', '2040-03-09', '2040-03-09', '2040-03-09', '2040-03-04'],
  ]);
  const byFunding = new Map(sumBy(rows, ({ funding }) => funding).map((sum) => [sum.name, sum]));
  expect(byFunding.get('house')).toMatchObject({ turns: 3, costMicros: 350 });
  expect(byFunding.get('own')).toMatchObject({ turns: 2, costMicros: 3_000, unpricedTurns: 1 });
  expect(byFunding.get('pool')).toMatchObject({ turns: 1, costMicros: 1_000 });
  expect(byFunding.get('credit')).toMatchObject({ turns: 1, costMicros: 500 });
});

test('first comes who cost others most, by all accounts, those that joined another too', async () => {
  const users = await mostExpensive(database.db, since);
  expect(users).toEqual([
    {
      userId: 3,
      accounts: ['telegram:3'],
      turns: 3,
      costMicros: 1_500,
      othersMicros: 1_500,
      byFunding: { pool: 1_000, credit: 500, own: 0 },
    },
    {
      userId: 1,
      accounts: ['discord:1', 'telegram:1'],
      turns: 1,
      costMicros: 300,
      othersMicros: 300,
      byFunding: { house: 300 },
    },
    {
      userId: 2,
      accounts: ['discord:1'],
      turns: 1,
      costMicros: 3_000,
      othersMicros: 0,
      byFunding: { own: 3_000 },
    },
  ]);
  await spent(
    ...Array.from({ length: 20 }, (_, nth) => ({
      userId: nth + 10,
      at: '2040-03-10T11:00:00Z',
      funding: 'house' as const,
      micros: 10_000 + nth,
    })),
  );
  const ten = await mostExpensive(database.db, since);
  expect(ten.map(({ userId }) => userId)).toEqual([29, 28, 27, 26, 25, 24, 23, 22, 21, 20]);
});
