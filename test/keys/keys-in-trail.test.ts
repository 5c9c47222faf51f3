/** What is done with keys stands in the audit trail, in the operation's own transaction. */

import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { eq, sql } from '../../src/db/drizzle.ts';
import { apiKeys, users } from '../../src/db/schema.ts';
import { type ApiKeys, createApiKeys, type ListedKey } from '../../src/keys/api-keys.ts';
import { type Audit, createAudit } from '../../src/keys/audit.ts';
import { createVault } from '../../src/keys/vault.ts';
import type { KeyCheck } from '../../src/llm/provider.ts';
import { Secret } from '../../src/secret.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeRing } from '../support/key-ring.ts';
import { SAMPLES } from './sample-keys.ts';

const DAY_MS = 86_400_000;
const NOON = Date.parse('2026-03-01T12:00:00Z');

let database: TestDatabase;
let audit: Audit;
let keys: ApiKeys;
let userId: number;
let clock: number;
let verdict: KeyCheck;

beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  const ring = await makeRing();
  const now = () => new Date(clock);
  audit = createAudit({ db, ring, now });
  keys = createApiKeys({
    db,
    vault: createVault({ db, ring }),
    audit,
    now,
    providers: () => ({ checkKey: async () => verdict }),
  });
});
afterAll(() => database.close());

beforeEach(async () => {
  clock = NOON;
  verdict = { result: 'valid' };
  const [user] = await database.db.insert(users).values({}).returning();
  if (user === undefined) throw new Error('no user');
  userId = user.id;
});

async function give(): Promise<ListedKey> {
  await keys.add(userId, 'openai', new Secret(SAMPLES.openai()));
  const [key] = await keys.list(userId);
  if (key === undefined) throw new Error('no key');
  return key;
}

async function chosen() {
  const [user] = await database.db
    .select({ provider: users.provider, model: users.model })
    .from(users)
    .where(eq(users.id, userId));
  if (user === undefined) throw new Error('no user');
  return user;
}

/** Oldest first. */
const trail = async () => (await audit.of([userId], 50)).map(({ action }) => action).reverse();

test('its whole life is told', async () => {
  const key = await give();
  await keys.checkAgain(userId, key);
  await keys.makeDefault(userId, key);
  await keys.makeDefault(userId, key);
  await keys.forgetAfter(userId, key, 7);
  await keys.forgetAfter(userId, key, null);
  await Promise.all([1, 2, 3].map((turn) => keys.markRefused(userId, 'openai', key.version, turn)));
  const next = await give();
  await keys.removeKey(userId, next);
  await keys.removeKey(userId, next);
  const last = await give();
  await keys.forgetAfter(userId, last, 7);
  clock += 8 * DAY_MS;
  await keys.removeExpired();
  expect(await trail()).toEqual([
    'key.added',
    'key.checked',
    'key.default',
    'key.end-set',
    'key.end-lifted',
    'key.refused',
    'key.replaced',
    'key.deleted',
    'key.added',
    'key.end-set',
    'key.expired',
  ]);
});

test('a model that changes which key answers is told as that', async () => {
  await give();
  const { provider } = await chosen();
  expect(provider).toBeNull();
  await keys.chooseModel(userId, 'openai', 'one');
  await keys.chooseModel(userId, 'openai', 'two');
  expect(await chosen()).toEqual({ provider: 'openai', model: 'two' });
  expect(await trail()).toEqual(['key.added', 'key.default']);
});

test('what changes nothing is not told', async () => {
  const key = await give();
  verdict = { result: 'unknown' };
  await keys.checkAgain(userId, key);
  const other = { ...key, version: key.version + 1 };
  await keys.forgetAfter(userId, other, 7);
  await keys.makeDefault(userId, other);
  await keys.removeKey(userId, other);
  await keys.markRefused(userId, 'openai', other.version, 1);
  await keys.markUsed(userId, 'openai', other.version);
  expect(await trail()).toEqual(['key.added']);
});

test('nothing is done that can not be told', async () => {
  const key = await give();
  const full = vi.spyOn(audit, 'append').mockRejectedValue(new Error('the disk is full'));
  try {
    clock += DAY_MS;
    await expect(keys.checkAgain(userId, key)).rejects.toThrow('full');
    await expect(keys.forgetAfter(userId, key, 1)).rejects.toThrow('full');
    await expect(keys.makeDefault(userId, key)).rejects.toThrow('full');
    await expect(keys.markRefused(userId, 'openai', key.version, 1)).rejects.toThrow('full');
    await expect(keys.removeKey(userId, key)).rejects.toThrow('full');
    const end = new Date(clock - 1);
    await database.db.update(apiKeys).set({ expiresAt: end }).where(eq(apiKeys.id, key.id));
    await expect(keys.removeExpired()).rejects.toThrow('full');
    await database.db.update(apiKeys).set({ expiresAt: null }).where(eq(apiKeys.id, key.id));
  } finally {
    full.mockRestore();
  }
  expect(await keys.list(userId)).toEqual([key]);
});

test('its use is told once a day, and costs a turn one statement otherwise', async () => {
  const { version } = await give();
  const use = () => keys.markUsed(userId, 'openai', version);
  await Promise.all([use(), use(), use()]);
  const { db } = database;
  const transaction = vi.spyOn(db, 'transaction');
  const statement = vi.spyOn(db._.session, 'prepareQuery');
  await use();
  expect([transaction.mock.calls.length, statement.mock.calls.length]).toEqual([0, 1]);
  transaction.mockRestore();
  statement.mockRestore();
  expect(await trail()).toEqual(['key.added', 'key.used']);
  clock += DAY_MS;
  await use();
  expect(await trail()).toEqual(['key.added', 'key.used', 'key.used']);
  const [row] = await db.execute(
    sql`select last_used_at = ${new Date(clock).toISOString()}::timestamptz as ok from api_keys where user_id = ${userId}`,
  );
  expect(row?.ok).toBe(true);
});
