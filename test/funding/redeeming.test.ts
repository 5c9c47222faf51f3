/** Vouchers and credits on a real database, without any platform. */

import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createIdentities } from '../../src/chat/identities.ts';
import { sql } from '../../src/db/drizzle.ts';
import { createCreditFunding, modelsOf } from '../../src/funding/credit-funding.ts';
import { creditsOf, expireCredits } from '../../src/funding/credits.ts';
import type { Funding } from '../../src/funding/funding.ts';
import { offersOf } from '../../src/funding/funding.ts';
import { createHouseBreaker } from '../../src/funding/house-breaker.ts';
import { createLedger } from '../../src/funding/ledger.ts';
import { createRedeeming } from '../../src/funding/redeeming.ts';
import { makeVoucherCode } from '../../src/funding/voucher-codes.ts';
import { createVouchers } from '../../src/funding/vouchers.ts';
import type { Identity } from '../../src/keys/key-prompts.ts';
import { Secret } from '../../src/secret.ts';
import type { TestDatabase } from '../support/database.ts';
import { makeRing } from '../support/key-ring.ts';
import { createLedgerDatabase, expectSums } from '../support/ledger.ts';
import { settleAlone } from '../support/settle.ts';

const DAY_MS = 86_400_000;
const clock = { ms: Date.now() };
const now = () => new Date(clock.ms);
const HOUSE = { provider: 'openai' as const, model: 'gpt-5.4-mini', apiKey: new Secret('house') };

let database: TestDatabase;
let parts: Awaited<ReturnType<typeof open>>;

async function open() {
  const { db } = database;
  const ring = await makeRing();
  // Not at the end only: the database itself refuses the moment at which more is used than granted.
  // A check would not do: it also reads the row as it was before what was waited for.
  await db.execute(sql`
    create function refuse_passed() returns trigger language plpgsql as $$ begin
      raise exception 'a credit was passed'; end $$`);
  await db.execute(sql`
    create trigger no_credit_is_passed after update on budgets for each row
    when (new.holder_kind = 'credit' and new.spent_micros + new.reserved_micros > new.granted_micros)
    execute function refuse_passed()`);
  return {
    db,
    vouchers: createVouchers({ db, ring, now }),
    redeeming: createRedeeming({ db, ring, now }),
    identities: createIdentities({ db }),
    ledger: createLedger({ db, now }),
    source: createCreditFunding({
      db,
      now,
      house: HOUSE,
      breaker: createHouseBreaker(),
      pause: { isPaused: false },
      tellOperator: () => undefined,
    }),
  };
}

beforeAll(async () => {
  database = await createLedgerDatabase();
  parts = await open();
});
afterEach(() => expectSums(database.db));
afterAll(() => database.close());

async function person(): Promise<{ readonly identity: Identity; readonly userId: number }> {
  const identity: Identity = { platform: 'telegram', platformUserId: randomUUID() };
  const userId = await parts.identities.userOf(identity.platform, identity.platformUserId);
  return { identity, userId };
}

async function codes(
  more: Partial<Parameters<(typeof parts)['vouchers']['create']>[0]> = {},
): Promise<readonly string[]> {
  const made = await parts.vouchers.create({
    name: randomUUID(),
    count: 1,
    micros: 1_000_000,
    uses: 1,
    expiresAt: new Date(clock.ms + DAY_MS),
    models: [],
    createdBy: 'test',
    ...more,
  });
  if (made === undefined) throw new Error('there is one of that name');
  return made;
}

async function code(more: Parameters<typeof codes>[0] = {}): Promise<string> {
  const [made = ''] = await codes(more);
  return made;
}

const results = async (tries: readonly Promise<{ readonly result: string }>[]) =>
  (await Promise.all(tries)).map(({ result }) => result).toSorted();

const creditOf = async (userId: number) => (await creditsOf(parts.db, userId, now()))[0];

describe('a code', () => {
  test('that fifty people send in at once is redeemed exactly once', async () => {
    const people = await Promise.all(Array.from({ length: 50 }, person));
    const one = await code();
    const told = await results(people.map(({ identity }) => parts.redeeming.redeem(identity, one)));
    expect(told.filter((result) => result === 'redeemed')).toHaveLength(1);
    expect(told.filter((result) => result === 'used')).toHaveLength(49);
    const credits = await Promise.all(people.map(({ userId }) => creditOf(userId)));
    expect(credits.filter((credit) => credit !== undefined)).toMatchObject([
      { grantedMicros: 1_000_000, leftMicros: 1_000_000 },
    ]);
  }, 30_000);

  test('of ten uses is redeemed by ten of fifty', async () => {
    const people = await Promise.all(Array.from({ length: 50 }, person));
    const ten = await code({ uses: 10 });
    const told = await results(people.map(({ identity }) => parts.redeeming.redeem(identity, ten)));
    expect(told.filter((result) => result === 'redeemed')).toHaveLength(10);
  }, 30_000);

  test('that one person sends in fifty times at once gives one credit', async () => {
    const { identity, userId } = await person();
    const many = await code({ uses: 50 });
    const told = await results(
      Array.from({ length: 50 }, () => parts.redeeming.redeem(identity, many)),
    );
    expect(told.filter((result) => result === 'redeemed')).toHaveLength(1);
    expect(told.filter((result) => result === 'yours-already')).toHaveLength(49);
    expect(await creditsOf(parts.db, userId, now())).toHaveLength(1);
  }, 30_000);

  test('of a batch is redeemed once by a person, whichever they hold', async () => {
    const { identity, userId } = await person();
    const batch = await codes({ count: 5 });
    const told = await results(batch.map((one) => parts.redeeming.redeem(identity, one)));
    expect(told).toEqual([...Array.from({ length: 4 }, () => 'one-a-batch'), 'redeemed']);
    expect(await creditsOf(parts.db, userId, now())).toHaveLength(1);
  });

  test('is kept nowhere', async () => {
    const [one = '', plain = ''] = [await code()].flatMap((c) => [c, c.replaceAll('-', '')]);
    const rows = await parts.db.execute(sql`select v::text as row from vouchers v`);
    expect(JSON.stringify(rows)).not.toContain(one);
    expect(JSON.stringify(rows)).not.toContain(plain);
  });

  test('that is expired, void, used or of nobody is told so; only a typo is no try', async () => {
    const [other, { identity }] = [await person(), await person()];
    const [late, void_, used] = [
      await code({ expiresAt: new Date(clock.ms - 1) }),
      await code(),
      await code(),
    ];
    await parts.vouchers.revoke(void_, false);
    await parts.redeeming.redeem(other.identity, used);
    const redeem = (text: string) => parts.redeeming.redeem(identity, text);
    for (let times = 0; times < 20; times += 1) {
      expect(await redeem(`${used}X`)).toEqual({ result: 'mistyped' });
    }
    expect(await redeem(late)).toEqual({ result: 'expired' });
    expect(await redeem(void_)).toEqual({ result: 'revoked' });
    expect(await redeem(used)).toEqual({ result: 'used' });
    expect(await redeem(makeVoucherCode())).toEqual({ result: 'unknown' });
  });
});

describe('guessing', () => {
  test('ends after five wrong codes in ten minutes, however many come at once, also for a good one', async () => {
    const { identity } = await person();
    const guesses = Array.from({ length: 30 }, makeVoucherCode);
    const told = await results(guesses.map((guess) => parts.redeeming.redeem(identity, guess)));
    expect(told.filter((result) => result === 'unknown')).toHaveLength(5);
    expect(told.filter((result) => result === 'limited')).toHaveLength(25);
    const good = await code();
    expect(await parts.redeeming.redeem(identity, good)).toEqual({
      result: 'limited',
      retryAt: new Date(clock.ms + 600_000),
    });
    // Somebody else is not held up by it.
    const other = await person();
    expect(await parts.redeeming.redeem(other.identity, makeVoucherCode())).toEqual({
      result: 'unknown',
    });
    clock.ms += 600_000;
    await parts.redeeming.removeExpired();
    expect(await parts.redeeming.redeem(identity, good)).toMatchObject({ result: 'redeemed' });
  }, 20_000);
});

describe('a credit', () => {
  async function offered(userId: number): Promise<readonly Funding[]> {
    const fundings: Funding[] = [];
    for await (const offer of offersOf(parts.source, { userId })) {
      if (offer.offer === 'pays') fundings.push(offer.funding);
    }
    return fundings;
  }

  async function withCredit(more: Parameters<typeof codes>[0] = {}) {
    const who = await person();
    await parts.redeeming.redeem(who.identity, await code(more));
    return who;
  }

  test('pays with the house’s key, out of nothing but itself', async () => {
    const { userId } = await withCredit();
    const [funding, ...more] = await offered(userId);
    expect(more).toEqual([]);
    expect(funding).toMatchObject({ kind: 'credit', ...HOUSE, passesOver: true });
    expect(funding?.caps.map(({ holder }) => holder.kind)).toEqual(['credit']);
    expect(await offered((await person()).userId)).toEqual([]);
  });

  test('that expires first pays first', async () => {
    const who = await withCredit({ micros: 3_000_000, expiresAt: new Date(clock.ms + 2 * DAY_MS) });
    await parts.redeeming.redeem(who.identity, await code({ micros: 1_000_000 }));
    const [first, second] = await creditsOf(parts.db, who.userId, now());
    expect([first?.leftMicros, second?.leftMicros]).toEqual([1_000_000, 3_000_000]);
    expect((await offered(who.userId)).map(({ id }) => id)).toEqual([first?.id, second?.id]);
  });

  test('is answered by an allowed model: the chosen one, else the house’s, else the first', () => {
    const none = { provider: null, model: null };
    const of = (models: readonly string[], chosen: Parameters<typeof modelsOf>[2] = none) =>
      modelsOf({ models }, HOUSE, chosen)?.model;
    const a = { provider: 'openai', model: 'a' };
    expect(of([])).toBe('gpt-5.4-mini');
    expect(of([], a)).toBe('gpt-5.4-mini');
    expect(of(['openai/b', 'openai/gpt-5.4-mini'])).toBe('gpt-5.4-mini');
    expect(of(['openai/b', 'openai/a'])).toBe('b');
    expect(of(['openai/b', 'openai/a'], a)).toBe('a');
    expect(of(['openai/b', 'openai/a'], { ...a, provider: 'groq' })).toBe('b');
    expect(of(['anthropic/b'])).toBeUndefined();
  });

  test('is taken back as a movement when it expires; what a turn holds of it, once that is settled', async () => {
    const { userId } = await withCredit();
    const [funding] = await offered(userId);
    const [turnId = 0] = await runningTurns(userId, 1);
    const held = await reserve(turnId, userId, funding, 400_000);
    expect(held).toMatchObject({ ok: true });
    clock.ms += DAY_MS;
    expect(await offered(userId)).toEqual([]);
    await expireCredits(parts.db, now());
    await expectSums(parts.db);
    await settle(turnId, 100_000);
    await expireCredits(parts.db, now());
    await expireCredits(parts.db, now());
    const [row] = await parts.db.execute<{ granted: number; spent: number; reserved: number }>(sql`
      select granted_micros as granted, spent_micros as spent, reserved_micros as reserved
      from budgets where holder_kind = 'credit' and user_id = ${userId}`);
    expect(row).toEqual({ granted: 100_000, spent: 100_000, reserved: 0 });
    const entries = await parts.db.execute(sql`
      select e.kind, e.reason from budget_entries e join budgets b on b.id = e.budget_id
      where b.user_id = ${userId} order by e.id`);
    expect(entries.map(({ kind, reason }) => `${kind} ${reason}`)).toEqual([
      'grant voucher',
      'grant expired',
      'grant expired',
    ]);
  });

  test('revoked with its voucher pays no more', async () => {
    const who = await person();
    const one = await code();
    await parts.redeeming.redeem(who.identity, one);
    expect(await parts.vouchers.revoke(one, false)).toEqual({ codes: 1, credits: 0 });
    expect(await offered(who.userId)).toHaveLength(1);
    expect(await parts.vouchers.revoke(one, true)).toEqual({ codes: 0, credits: 1 });
    expect(await offered(who.userId)).toEqual([]);
  });

  test('never pays more than was granted, under fifty turns at once of whatever size', async () => {
    const turn = fc.record({
      inputMicros: fc.integer({ min: 0, max: 60_000 }),
      rate: fc.integer({ min: 1, max: 100_000_000 }),
      spent: fc.double({ min: 0, max: 3, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.array(turn, { minLength: 50, maxLength: 50 }),
        async (micros, turns) => {
          const { userId } = await withCredit({ micros });
          const [funding] = await offered(userId);
          const ids = await runningTurns(userId, turns.length);
          await Promise.all(
            turns.map(async ({ inputMicros, rate, spent }, nth) => {
              const turnId = ids[nth] ?? 0;
              const held = await reserve(turnId, userId, funding, inputMicros, rate);
              if (held.ok) await settle(turnId, Math.floor(held.amountMicros * spent));
            }),
          );
          const [row] = await parts.db.execute<{ spent: number; reserved: number }>(sql`
            select spent_micros as spent, reserved_micros as reserved from budgets
            where holder_kind = 'credit' and user_id = ${userId}`);
          expect(row?.reserved).toBe(0);
          expect(row?.spent).toBeLessThanOrEqual(micros);
          await expectSums(parts.db);
        },
      ),
      { numRuns: 4, endOnFailure: true },
    );
  }, 60_000);

  async function runningTurns(userId: number, count: number): Promise<readonly number[]> {
    const rows = await parts.db.execute<{ id: number }>(sql`
      insert into turns (user_id, conversation, seq, status, attempt, sent_at, sent_order,
                         platform_user_id, reply_to, row_key, input)
      select ${userId}, 1, (select coalesce(max(seq), 0) from turns) + n, 'running', 1, now(), 1,
             '', '', '', ''
      from generate_series(1, ${count}::int) n returning id`);
    return rows.map(({ id }) => id);
  }

  function reserve(
    turnId: number,
    userId: number,
    funding: Funding | undefined,
    inputMicros: number,
    outputMicrosPerMillion = 0,
  ) {
    if (funding === undefined) throw new Error('nobody pays');
    return parts.ledger.reserve({
      turnId,
      attempt: 1,
      userId,
      payer: funding,
      inputTokens: 10,
      maxOutputTokens: 4_000,
      cost: { inputMicros, outputMicrosPerMillion },
      caps: funding.caps,
    });
  }

  const settle = (turnId: number, spentMicros: number) =>
    settleAlone(
      parts.db,
      parts.ledger.settlement({ turnId, attempt: 1, spentMicros, answered: true }),
    );
});
