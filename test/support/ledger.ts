/** The ledger as tests ask it: the house's turns, a user's own ones, and whether all sums are right. */

import { expect } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import { eq, sql } from '../../src/db/drizzle.ts';
import { ownLimits } from '../../src/db/schema.ts';
import { type ChatCap, createAllowance } from '../../src/funding/allowance.ts';
import type { Cap } from '../../src/funding/ledger.ts';
import { createLedger } from '../../src/funding/ledger.ts';
import { ledgerDifferences } from '../../src/funding/ledger-check.ts';
import { ownCaps } from '../../src/funding/own-limit.ts';
import { defaultPlans, type FreeSettings, type Plans } from '../../src/funding/plans-file.ts';
import type { Rate } from '../../src/funding/rates.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

interface Call {
  readonly turnId: number;
  readonly attempt: number;
  readonly userId: number;
  readonly inputMicros: number;
  readonly outputMicrosPerMillion: number;
  readonly maxOutputTokens: number;
}

export interface AllowanceLimits extends FreeSettings {
  readonly houseMicrosPerDay: number;
}

export type HouseLedger = ReturnType<typeof houseLedger>;

export function houseLedger({
  db,
  limits,
  plans = defaultPlans(limits),
  now = () => new Date(),
}: {
  readonly db: Database;
  readonly limits: AllowanceLimits;
  readonly plans?: Plans;
  readonly now?: () => Date;
}) {
  const { houseMicrosPerDay } = limits;
  const house = { provider: 'openai', model: 'm' };
  const allowance = createAllowance({ db, house, plans, houseMicrosPerDay, now });
  const { settlement, settleLost } = createLedger({ db, now });
  const { reserve } = ledgerCalls({ db, now });
  return {
    ...allowance,
    settlement,
    settleLost,
    async reserve({ chat, ...call }: Call & { readonly chat?: ChatCap }) {
      const { caps, rates } = await allowance.terms(call.userId, chat);
      return reserve('house', call, caps, { rates });
    },
  };
}

export function ownLedger({ db, now }: { readonly db: Database; readonly now: () => Date }) {
  const { settlement, settleLost } = createLedger({ db, now });
  const { reserve } = ledgerCalls({ db, now });
  return {
    settlement,
    settleLost,
    async reserve(call: Call, priced = true) {
      const [row] = await db.select().from(ownLimits).where(eq(ownLimits.userId, call.userId));
      const none = { dayLimitMicros: null, monthLimitMicros: null };
      return reserve('own', call, ownCaps(call.userId, row ?? none, now()), { priced });
    },
  };
}

function ledgerCalls({ db, now }: { readonly db: Database; readonly now: () => Date }) {
  const ledger = createLedger({ db, now });
  return {
    async reserve<Code extends string>(
      kind: 'own' | 'house',
      { turnId, attempt, userId, maxOutputTokens, ...cost }: Call,
      caps: readonly Cap<Code>[],
      { priced = true, rates = [] }: { priced?: boolean; rates?: readonly Rate[] } = {},
    ) {
      const payer = { kind, id: null, provider: 'openai', model: 'm' };
      const reserved = await ledger.reserve({
        turnId,
        attempt,
        userId,
        payer,
        inputTokens: 100,
        maxOutputTokens,
        cost: priced ? cost : undefined,
        caps,
        rates,
      });
      if (reserved.ok) return reserved;
      const { ok, reason } = reserved;
      return 'waitMs' in reserved ? { ok, reason, waitMs: reserved.waitMs } : { ok, reason };
    },
  };
}

/** Every sum is that of its rows. */
export async function expectSums(db: Database): Promise<void> {
  expect(await ledgerDifferences(db)).toEqual([]);
}

/**
 * A database in which turns of one user run at once, which the mailbox never lets happen: what holds
 * there is proved by the ledger alone.
 */
export async function createLedgerDatabase(): Promise<TestDatabase> {
  const database = await createTestDatabase({ maxConnections: 30 });
  await database.db.execute(sql`drop index turns_one_running`);
  return database;
}
