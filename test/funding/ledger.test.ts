/** The ledger under everything at once: many budgets, many turns, workers that die. */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DatabaseError } from '../../src/db/client.ts';
import { sql } from '../../src/db/drizzle.ts';
import { grant, HOUSE, type Holder, userHolder } from '../../src/funding/budgets.ts';
import { type Cap, createLedger } from '../../src/funding/ledger.ts';
import { windowOf } from '../../src/funding/windows.ts';
import type { TestDatabase } from '../support/database.ts';
import { createLedgerDatabase, expectSums } from '../support/ledger.ts';
import { settleAlone } from '../support/settle.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createLedgerDatabase();
  // Not at the end only: the database itself refuses the moment at which a cap is passed. No CHECK:
  // PostgreSQL tests that on a row as the statement first saw it, before it takes the newest one.
  await database.db.execute(
    sql.raw(`create function passes_no_cap() returns trigger language plpgsql as $$ begin
      if new.spent_micros + new.reserved_micros > (case new.holder_kind
           when 'house' then 300000 when 'user' then 60000 when 'pool' then 200000
           when 'member' then 40000 else new.granted_micros end)
         or (new.holder_kind = 'member' and new.turns > 12) then
        raise exception 'a cap is passed';
      end if;
      return new;
    end $$`),
  );
  await database.db.execute(sql`
    create trigger passes_no_cap before update on budgets
    for each row execute function passes_no_cap()`);
  await database.db.execute(sql`insert into users select from generate_series(1, 10)`);
});
afterAll(() => database.close());

let days = 0;
const ledgerOf = (now: Date) => createLedger({ db: database.db, now: () => now });

/** Turns that run, of ten people in turns. @returns their numbers */
async function runningTurns(count: number): Promise<readonly number[]> {
  const rows = await database.db.execute<{ id: number }>(sql`
    insert into turns (user_id, conversation, seq, status, attempt, sent_at, sent_order,
                       platform_user_id, reply_to, row_key, input)
    select n % 10 + 1, 1, (select coalesce(max(seq), 0) from turns) + n, 'running', 1, now(), 1,
           '', '', '', ''
    from generate_series(1, ${count}::int) n returning id`);
  return rows.map(({ id }) => id);
}

function capsOf(day: number, userId: number) {
  const now = new Date(Date.UTC(2040, 0, day, 12));
  const window = windowOf('day', now);
  const ever = windowOf('total', now);
  const cap = (
    holder: Holder,
    limitMicros: Cap['limitMicros'],
    more: Partial<Cap> = {},
  ): Cap<string> => ({
    holder,
    window,
    limitMicros,
    turnsLimit: null,
    charge: 'spent',
    refusals: { turns: `${holder.kind} turns`, money: `${holder.kind} money` },
    ...more,
  });
  const credit: Holder = { kind: 'credit', id: `${day}-${userId}`, userId };
  return {
    now,
    credit: { holder: credit, window: ever },
    house: [cap(userHolder(userId), 60_000, { charge: 'answered' }), cap(HOUSE, 300_000)],
    pool: [
      cap({ kind: 'member', id: `1:${userId}`, userId }, 40_000, {
        turnsLimit: 12,
        charge: 'answered',
      }),
      cap({ kind: 'pool', id: '1', userId: null }, 200_000),
    ],
    creditOnly: [cap(credit, 'granted', { window: ever })],
  };
}

const step = fc.record({
  source: fc.constantFrom('house', 'pool', 'creditOnly'),
  input: fc.integer({ min: 0, max: 3_000 }),
  output: fc.integer({ min: 0, max: 1_000 }),
  spent: fc.double({ min: -0.5, max: 3, noNaN: true }),
  ends: fc.constantFrom(
    'answered',
    'failed',
    'twice',
    'killed',
    'killed unasked',
    'reserved twice',
  ),
});

describe('the ledger', () => {
  test('passes no cap, holds nothing back and adds up, whatever happens in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 250, maxLength: 250 }), async (steps) => {
        days += 1;
        const day = days;
        const { db } = database;
        const turnIds = await runningTurns(steps.length);
        for (let user = 1; user <= 10; user += 1) {
          await grant(db, capsOf(day, user).credit, 30_000, 'test');
        }
        const done = await Promise.all(
          steps.map(async ({ source, input, output, spent, ends }, nth) => {
            const turnId = turnIds[nth] ?? 0;
            const [row] = await db.execute<{ user_id: number }>(
              sql`select user_id from turns where id = ${turnId}`,
            );
            const userId = row?.user_id ?? 0;
            const caps = capsOf(day, userId);
            const ledger = ledgerOf(caps.now);
            const reserve = (attempt: number) =>
              ledger.reserve({
                turnId,
                attempt,
                userId,
                payer: { kind: 'house', id: null, provider: 'openai', model: 'm' },
                inputTokens: 10,
                maxOutputTokens: output,
                cost: { inputMicros: input, outputMicrosPerMillion: 10_000_000 },
                caps: caps[source],
              });
            const settle = async (attempt: number, amount: number, answered: boolean) => {
              const spentMicros = Math.floor(amount * spent);
              const what = { turnId, attempt, spentMicros, answered };
              await settleAlone(db, ledger.settlement(what));
            };
            const first = await reserve(1);
            if (!first.ok) return first.reason;
            if (ends === 'reserved twice') {
              // The row is there, or its budgets are used up by now.
              const again = await reserve(1).then(
                ({ ok }) => ok,
                () => false,
              );
              expect(again).toBe(false);
            }
            if (!ends.startsWith('killed')) {
              const last = () => settle(1, first.amountMicros, ends !== 'failed');
              await Promise.all(ends === 'twice' ? [last(), last()] : [last()]);
              return 'settled';
            }
            // Another worker takes it over, while the first one is not quite dead.
            await db.execute(sql`update turns set attempt = 2 where id = ${turnId}`);
            await Promise.all([
              ledger.settleLost({ turnId, attempt: 2 }, ends === 'killed'),
              settle(1, first.amountMicros, true),
              expect(reserve(1)).resolves.toEqual({ ok: false, reason: 'taken-over' }),
            ]);
            const second = await reserve(2);
            if (second.ok) await settle(2, second.amountMicros, true);
            return 'taken over';
          }),
        );
        expect(done.filter((how) => how === 'settled').length).toBeGreaterThan(20);
        const [open] = await db.execute(sql`
          select (select sum(reserved_micros)::int from budgets) as reserved,
                 (select count(*)::int from reservations where settled_at is null) as unsettled`);
        expect(open).toEqual({ reserved: 0, unsettled: 0 });
        await expectSums(db);
      }),
      { numRuns: 5, endOnFailure: true },
    );
  }, 60_000);

  test('fifty parallel turns of different budgets in opposite orders do not lock up', async () => {
    days += 1;
    const turnIds = await runningTurns(50);
    const results = await Promise.all(
      turnIds.map((turnId, nth) => {
        const caps = capsOf(days, 1);
        const all = [...caps.house, ...caps.pool];
        return ledgerOf(caps.now).reserve({
          turnId,
          attempt: 1,
          userId: 1,
          payer: { kind: 'pool', id: 1, provider: 'openai', model: 'm' },
          inputTokens: 10,
          maxOutputTokens: 300,
          cost: { inputMicros: 100, outputMicrosPerMillion: 1_000_000 },
          caps: nth % 2 === 0 ? all : all.toReversed(),
        });
      }),
    );
    expect(results.filter(({ ok }) => ok)).toHaveLength(12);
    expect(results.find(({ ok }) => !ok)).toMatchObject({ reason: 'member turns' });
    await expectSums(database.db);
  });

  test('charges never more than was set aside, and nothing below nothing, whatever is said', async () => {
    days += 1;
    const [one = 0, two = 0] = await runningTurns(2);
    const { now, house } = capsOf(days, 1);
    const ledger = ledgerOf(now);
    for (const [turnId, spentMicros, settled] of [
      [one, Number.MAX_SAFE_INTEGER, 1_000],
      [two, -5_000, 0],
    ] as const) {
      await ledger.reserve({
        turnId,
        attempt: 1,
        userId: 1,
        payer: { kind: 'house', id: null, provider: 'openai', model: 'm' },
        inputTokens: 10,
        maxOutputTokens: 0,
        cost: { inputMicros: 1_000, outputMicrosPerMillion: 0 },
        caps: house,
      });
      const what = { turnId, attempt: 1, spentMicros, answered: true };
      await settleAlone(database.db, ledger.settlement(what));
      const [row] = await database.db.execute(
        sql`select settled_micros as settled from reservations where turn_id = ${turnId}`,
      );
      expect(row).toEqual({ settled });
    }
    await expectSums(database.db);
  });

  test('a database that refuses leaves nothing behind', async () => {
    days += 1;
    const [turnId = 0] = await runningTurns(1);
    const { now, house } = capsOf(days, 1);
    const beyond = house.map((cap) => ({ ...cap, limitMicros: 10_000_000 }));
    const failed = ledgerOf(now).reserve({
      turnId,
      attempt: 1,
      userId: 1,
      payer: { kind: 'house', id: null, provider: 'openai', model: 'm' },
      inputTokens: 10,
      maxOutputTokens: 0,
      cost: { inputMicros: 900_000, outputMicrosPerMillion: 0 },
      caps: beyond,
    });
    await expect(failed).rejects.toBeInstanceOf(DatabaseError);
    const [turn] = await database.db.execute(
      sql`select funding, called_at from turns where id = ${turnId}`,
    );
    expect(turn).toEqual({ funding: null, called_at: null });
    await expectSums(database.db);
  });
});
