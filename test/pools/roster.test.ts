import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import { sql } from '../../src/db/drizzle.ts';
import { pools as poolRows, users } from '../../src/db/schema.ts';
import { adjust, memberHolder } from '../../src/funding/budgets.ts';
import { USUAL_SETTINGS } from '../../src/pools/pool-settings.ts';
import { poolWindow } from '../../src/pools/pool-windows.ts';
import { poolOf } from '../../src/pools/pools.ts';
import { readRoster, rosterCsv } from '../../src/pools/roster.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

/** Counts what is asked of the database. */
function counting(db: Database) {
  const asked = { times: 0 };
  const counted = new Proxy(db, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name === 'execute' || name === 'select') asked.times += 1;
      return value.bind(target);
    },
  });
  return { counted, asked };
}

test('the roster of a hundred members takes no more statements than that of one, and each has their own sums', async () => {
  const { db } = database;
  const now = new Date('2026-04-15T12:00:00Z');
  const [owner] = await db.insert(users).values({}).returning();
  if (owner === undefined) throw new Error('nobody');
  const settings = { ...USUAL_SETTINGS, models: ['m'], carriesOver: true };
  const made = [];
  for (const [name, count] of [
    ['small', 1],
    ['large', 100],
  ] as const) {
    const [row] = await db
      .insert(poolRows)
      .values({ userId: owner.id, name, provider: 'openai', keyId: 1, state: 'open', settings })
      .returning();
    if (row === undefined) throw new Error('no pool');
    await db.execute(sql`
      insert into pool_members (pool_id, identity_pseudonym, state, joined_at)
      select ${row.id}, 'p' || n, 'member', '2026-01-01' from generate_series(1, ${count}::int) n`);
    const pool = poolOf(row);
    const { counted, asked } = counting(db);
    const read = () =>
      readRoster({ db: counted, members: { nameOf: async () => undefined } }, pool, now);
    const spent = (await read()).rows.slice(0, 9);
    for (const [nth, { memberId }] of spent.entries()) {
      const holder = memberHolder(pool.id, memberId);
      const window = poolWindow(settings, 'month', now);
      await adjust(db, { holder, window }, { turns: 1, micros: (nth + 1) * 1_000 }, 'test');
    }
    asked.times = 0;
    const roster = await read();
    made.push(asked.times);
    expect(roster.rows).toHaveLength(count);
    for (const [nth, { memberId }] of spent.entries()) {
      const found = roster.rows.find((one) => one.memberId === memberId);
      // What was left of March, when nothing was spent, is added.
      expect(found).toMatchObject({
        monthMicros: (nth + 1) * 1_000,
        monthLimitMicros: 2_000_000,
        totalMicros: (nth + 1) * 1_000,
      });
    }
    expect(new TextDecoder().decode(rosterCsv(roster)).trim().split('\n')).toHaveLength(count + 1);
  }
  expect(made[1]).toBe(made[0]);
  expect(made[1]).toBeLessThan(5);
});
