import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eq } from '../../src/db/drizzle.ts';
import { apiKeys, users } from '../../src/db/schema.ts';
import { type ApiKeys, createApiKeys, type ListedKey } from '../../src/keys/api-keys.ts';
import { type Audit, createAudit } from '../../src/keys/audit.ts';
import { createVault, type Vault } from '../../src/keys/vault.ts';
import type { KeyCheck } from '../../src/llm/provider.ts';
import { Secret } from '../../src/secret.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeRing } from '../support/key-ring.ts';
import { makeUser } from '../support/users.ts';
import { SAMPLES } from './sample-keys.ts';

const DAY_MS = 86_400_000;

let database: TestDatabase;
let vault: Vault;
let audit: Audit;
let keys: ApiKeys;
let userId: number;
let clock: number;
let verdict: (key: string) => Promise<KeyCheck> | KeyCheck;

beforeAll(async () => {
  database = await createTestDatabase();
  const ring = await makeRing();
  vault = createVault({ db: database.db, ring });
  audit = createAudit({ db: database.db, ring, now: () => new Date(clock) });
});
afterAll(() => database.close());

beforeEach(async () => {
  clock = Date.now();
  verdict = () => ({ result: 'valid' });
  keys = createApiKeys({
    db: database.db,
    vault,
    audit,
    now: () => new Date(clock),
    providers: () => ({ checkKey: async (apiKey) => verdict(apiKey.reveal()) }),
  });
  userId = await makeUser(database.db);
});

async function give(provider: 'openai' | 'anthropic' = 'openai'): Promise<ListedKey> {
  const added = await keys.add(userId, provider, new Secret(SAMPLES[provider]()));
  expect(added.result).toBe('saved');
  return listed(provider);
}

async function listed(provider = 'openai'): Promise<ListedKey> {
  const key = (await keys.list(userId)).find((k) => k.provider === provider);
  if (key === undefined) throw new Error(`no key of ${provider}`);
  return key;
}

const refuse = (key: ListedKey, turnId = 1) =>
  keys.markRefused(userId, key.provider, key.version, turnId);

describe('a key that is checked again', () => {
  test('is used again when its provider takes it again', async () => {
    const key = await give();
    await refuse(key);
    expect(await keys.keyFor(userId)).toBeUndefined();
    expect(await keys.checkAgain(userId, key)).toEqual({ result: 'checked', state: 'valid' });
    expect(await keys.keyFor(userId)).toBeDefined();
    // Refused once more, it is told once more.
    expect(await refuse(key, 2)).toBe('told-here');
  });

  test('is used no more when its provider refuses it', async () => {
    const key = await give();
    verdict = () => ({ result: 'invalid' });
    expect(await keys.checkAgain(userId, key)).toEqual({ result: 'checked', state: 'refused' });
    expect(await keys.keyFor(userId)).toBeUndefined();
  });

  test('stays as it was when its provider is down, whatever that was', async () => {
    const key = await give();
    verdict = () => ({ result: 'unknown' });
    expect(await keys.checkAgain(userId, key)).toEqual({ result: 'no-answer' });
    expect(await listed()).toMatchObject({ state: 'valid' });
    await refuse(key);
    expect(await keys.checkAgain(userId, key)).toEqual({ result: 'no-answer' });
    expect(await listed()).toMatchObject({ state: 'refused' });
  });

  test('counts among the five checks a minute', async () => {
    const key = await give();
    for (let i = 0; i < 4; i += 1) await keys.checkAgain(userId, key);
    expect(await keys.checkAgain(userId, key)).toMatchObject({ result: 'rate-limited' });
  });

  test('says so when it does not open any more', async () => {
    const key = await give();
    await database.db
      .update(apiKeys)
      .set({ sealed: randomBytes(80) })
      .where(eq(apiKeys.id, key.id));
    expect(await keys.checkAgain(userId, key)).toEqual({ result: 'does-not-open' });
  });

  test('is left alone when another took its place while the provider thought', async () => {
    const key = await give();
    verdict = async () => {
      verdict = () => ({ result: 'valid' });
      await give();
      return { result: 'invalid' };
    };
    expect(await keys.checkAgain(userId, key)).toEqual({ result: 'gone' });
    expect(await listed()).toMatchObject({ state: 'valid' });
  });
});

describe('a key that is to be forgotten', () => {
  test('is used no more from that moment on, and then deleted', async () => {
    const key = await give();
    expect(await keys.forgetAfter(userId, key, 30)).toBe(true);
    expect((await listed()).expiresAt).toEqual(new Date(clock + 30 * DAY_MS));
    clock += 30 * DAY_MS - 1;
    expect(await keys.keyFor(userId)).toBeDefined();
    expect(await keys.forgetExpired()).toEqual([]);
    clock += 1;
    // Not the job decides, which may come later.
    expect(await keys.keyFor(userId)).toBeUndefined();
    expect(await keys.keyFor(userId, 'openai')).toBeUndefined();
    expect(await keys.list(userId)).toEqual([]);
    expect(await keys.checkAgain(userId, key)).toEqual({ result: 'gone' });
    expect(await database.db.$count(apiKeys, eq(apiKeys.userId, userId))).toBe(1);
    expect(await keys.forgetExpired()).toEqual([{ userId, provider: 'openai', hint: key.hint }]);
    expect(await database.db.$count(apiKeys, eq(apiKeys.userId, userId))).toBe(0);
  });

  test('passes its time on to the key that replaces it', async () => {
    await keys.forgetAfter(userId, await give(), 7);
    clock += 5 * DAY_MS;
    await give();
    expect((await listed()).expiresAt).toEqual(new Date(clock + 7 * DAY_MS));
  });

  test('can be kept after all', async () => {
    const key = await give();
    await keys.forgetAfter(userId, key, 7);
    await keys.forgetAfter(userId, key, null);
    clock += 400 * DAY_MS;
    expect(await keys.keyFor(userId)).toBeDefined();
    await give();
    expect((await listed()).expiresAt).toBeNull();
  });
});

describe('what names a key', () => {
  const acts = (who: number, key: ListedKey) => [
    keys.forgetAfter(who, key, 7),
    keys.makeDefault(who, key),
    keys.checkAgain(who, key).then(({ result }) => result !== 'gone'),
    keys.removeKey(who, key).then((removed) => removed !== undefined),
  ];

  test('does nothing for somebody else', async () => {
    const key = await give();
    const other = await makeUser(database.db);
    expect(await Promise.all(acts(other, key))).toEqual([false, false, false, false]);
    expect(await listed()).toEqual(key);
  });

  test('does nothing to the key that took its place', async () => {
    const key = await give();
    await give();
    const now = await listed();
    expect(await Promise.all(acts(userId, key))).toEqual([false, false, false, false]);
    expect(await listed()).toEqual(now);
  });

  test('deletes once, however often it is pressed', async () => {
    const key = await give();
    const removed = await Promise.all(
      Array.from({ length: 10 }, () => keys.removeKey(userId, key)),
    );
    expect(removed.filter((r) => r !== undefined)).toHaveLength(1);
  });
});

describe('the default', () => {
  const chosen = async () => {
    const [user] = await database.db.select().from(users).where(eq(users.id, userId));
    return [user?.provider, user?.model];
  };

  test('is the provider whose key answers, and keeps the model that was chosen there', async () => {
    const openai = await give('openai');
    const anthropic = await give('anthropic');
    expect(await keys.makeDefault(userId, openai)).toBe(true);
    expect(await chosen()).toEqual(['openai', null]);
    await database.db.update(users).set({ model: 'm' }).where(eq(users.id, userId));
    await keys.makeDefault(userId, openai);
    expect(await chosen()).toEqual(['openai', 'm']);
    await keys.makeDefault(userId, anthropic);
    expect(await chosen()).toEqual(['anthropic', null]);
  });
});
