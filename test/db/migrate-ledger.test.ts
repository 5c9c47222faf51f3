/** Windows and open reservations of before the ledger go on in it. */

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { sql } from '../../src/db/drizzle.ts';
import { migrateDatabase } from '../../src/db/migrate.ts';
import { createLedger } from '../../src/funding/ledger.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { expectSums } from '../support/ledger.ts';

let folder: string;
let database: TestDatabase;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-migrations-'));
  await cp('drizzle', folder, { recursive: true });
  database = await createEmptyDatabase();
});
afterAll(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const journal = z.looseObject({ entries: z.array(z.looseObject({ tag: z.string() })) });

async function migrateUpTo(before: string): Promise<void> {
  const file = join(folder, 'meta', '_journal.json');
  const whole = journal.parse(JSON.parse(await readFile(file, 'utf8')));
  const index = whole.entries.findIndex(({ tag }) => tag.endsWith(before));
  await writeFile(file, JSON.stringify({ ...whole, entries: whole.entries.slice(0, index) }));
  await migrateDatabase({ url: database.url, folder });
}

test('what was used, and what was set aside, goes on in the ledger', async () => {
  const { db } = database;
  await migrateUpTo('_ledger');
  await db.execute(sql`insert into users default values`);
  await db.execute(sql`insert into users default values`);
  const turn = (seq: number, user: number, funding: string, cost: number | null) => sql`
    (${user}, 1, ${seq}, ${cost === null ? 'running' : 'done'}, 1, now(), 1, 'a', 'b', 'k', '', ${funding},
     'openai', 'm', ${cost}::bigint, now(), ${cost === null ? null : new Date().toISOString()}::timestamptz,
     ${cost === null ? null : ''}::bytea)`;
  await db.execute(sql`
    insert into turns (user_id, conversation, seq, status, attempt, sent_at, sent_order,
      platform_user_id, reply_to, row_key, input, funding, provider, model, cost_micros, called_at,
      answered_at, answer)
    values ${turn(1, 1, 'house', 300)}, ${turn(2, 1, 'house', null)}, ${turn(1, 2, 'own', 700)},
           ${turn(2, 2, 'own', null)}`);
  const today = sql`(now() at time zone 'UTC')::date`;
  await db.execute(sql`insert into house_days values (${today}, 300, 1000)`);
  await db.execute(sql`insert into chat_days values ('telegram', 'g', ${today}, 1, 0, 1000)`);
  await db.execute(sql`
    insert into allowance_days (user_id, day, turns, spent_micros, reserved_micros)
    values (1, ${today}, 2, 300, 1000)`);
  await db.execute(sql`
    insert into reservations values (1, 1, 1, ${today}, 400, now(), 300, 300, null, null),
      (2, 1, 1, ${today}, 1000, null, null, null, 'telegram', 'g')`);
  await db.execute(sql`
    insert into own_limits values (2, 5000, null, ${today}, 700, 2000,
      date_trunc('month', now() at time zone 'UTC')::date, 900, 2000)`);
  await db.execute(sql`
    insert into own_reservations values (4, 1, 2, ${today}, 2000, null)`);

  await migrateDatabase({ url: database.url });
  const budgets = () =>
    db.execute(sql`
      select holder_kind as kind, holder_id as id, period, turns, spent_micros as spent,
             reserved_micros as reserved
      from budgets order by holder_kind, holder_id, period`);
  expect([...(await budgets())]).toEqual([
    { kind: 'chat', id: 'telegram:g', period: 'day', turns: 1, spent: 0, reserved: 1000 },
    { kind: 'house', id: '', period: 'day', turns: 1, spent: 300, reserved: 1000 },
    { kind: 'own', id: '2', period: 'day', turns: 1, spent: 700, reserved: 2000 },
    { kind: 'own', id: '2', period: 'month', turns: 1, spent: 900, reserved: 2000 },
    { kind: 'user', id: '1', period: 'day', turns: 2, spent: 300, reserved: 1000 },
  ]);
  await expectSums(db);

  // What was under way when the older process was stopped.
  const ledger = createLedger({ db });
  await ledger.settleLost({ turnId: 2, attempt: 2 }, true);
  await ledger.settleLost({ turnId: 4, attempt: 2 }, true);
  expect([...(await budgets())]).toMatchObject([
    { kind: 'chat', turns: 0, spent: 1000, reserved: 0 },
    { kind: 'house', spent: 1300, reserved: 0 },
    { kind: 'own', spent: 2700, reserved: 0 },
    { kind: 'own', spent: 2900, reserved: 0 },
    { kind: 'user', turns: 1, spent: 300, reserved: 0 },
  ]);
  await expectSums(db);
  const [limits] = await db.execute(sql`select * from own_limits`);
  expect(limits).toEqual({ user_id: 2, day_limit_micros: 5000, month_limit_micros: null });
});
