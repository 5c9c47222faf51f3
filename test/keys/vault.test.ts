import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eq } from '../../src/db/drizzle.ts';
import { dataKeys } from '../../src/db/schema.ts';
import type { KeyRing } from '../../src/keys/key-ring.ts';
import { createVault, type SealBinding, type Vault, VaultError } from '../../src/keys/vault.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeRing } from '../support/key-ring.ts';
import { makeUser } from '../support/users.ts';
import { waitFor } from '../support/wait-for.ts';

let database: TestDatabase;
let ring: KeyRing;
let vault: Vault;
let userId: number;

const place: SealBinding = { purpose: 'turn-input', row: 'row-1' };

beforeAll(async () => {
  database = await createTestDatabase();
  ring = await makeRing();
});
afterAll(() => database?.close());
beforeEach(async () => {
  vault = createVault({ db: database.db, ring });
  userId = await makeUser(database.db);
});

async function codeOf(opening: Promise<unknown>): Promise<string> {
  const error = await opening.then(
    () => 'opened',
    (thrown: unknown) => thrown,
  );
  return error instanceof VaultError ? `${error.code}: ${error.message}` : String(error);
}
const CLOSED = 'does-not-open: sealed data: does-not-open';

/** Counts unwraps, and keeps what it gave out to see whether it is overwritten. */
function watched(inner: KeyRing) {
  const given: Uint8Array[] = [];
  const watching: KeyRing = {
    ...inner,
    async unwrap(...args) {
      const key = await inner.unwrap(...args);
      given.push(key);
      return key;
    },
  };
  return { ring: watching, given };
}
const isOverwritten = (key: Uint8Array | undefined) => key?.every((byte) => byte === 0) === true;

test('what was sealed opens again, in this process and in another', async () => {
  const sealed = await vault.seal(userId, place, 'Grüße, 世界 👋');
  expect(await vault.open(userId, place, sealed)).toBe('Grüße, 世界 👋');
  const elsewhere = createVault({ db: database.db, ring });
  expect(await elsewhere.open(userId, place, sealed)).toBe('Grüße, 世界 👋');
  expect(sealed[0]).toBe(1);
  expect(sealed).toHaveLength(29 + Buffer.byteLength('Grüße, 世界 👋'));
});

test('any text comes back as it was, however strange', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), fc.string(), async (text, row) => {
      const binding: SealBinding = { purpose: 'turn-answer', row };
      const sealed = await vault.seal(userId, binding, text);
      expect(await vault.open(userId, binding, sealed)).toBe(text.toWellFormed());
      if (text.length > 8) expect(Buffer.from(sealed).includes(Buffer.from(text))).toBe(false);
    }),
    { numRuns: 60 },
  );
  const marked = '\ufeffa\0b';
  expect(await vault.open(userId, place, await vault.seal(userId, place, marked))).toBe(marked);
});

test('one text sealed twice gives two different seals', async () => {
  const [a, b] = await Promise.all([1, 2].map(() => vault.seal(userId, place, 'same')));
  expect(a).not.toEqual(b);
});

test('a sealed value opens nowhere but in its own row, purpose and owner', async () => {
  const sealed = await vault.seal(userId, place, 'mine');
  const other = await makeUser(database.db);
  await vault.seal(other, place, 'theirs');
  expect(await codeOf(vault.open(other, place, sealed))).toBe(CLOSED);
  expect(await codeOf(vault.open(userId, { ...place, row: 'row-2' }, sealed))).toBe(CLOSED);
  expect(await codeOf(vault.open(userId, { ...place, purpose: 'turn-answer' }, sealed))).toBe(
    CLOSED,
  );
  expect(await codeOf(vault.open(userId, { ...place, purpose: 'pasted-key' }, sealed))).toBe(
    CLOSED,
  );
});

test('a sealed value names its owner itself, should two ever have one data key', async () => {
  const shared = randomBytes(32);
  const careless: KeyRing = { ...ring, unwrap: async () => Uint8Array.from(shared) };
  const weak = createVault({ db: database.db, ring: careless });
  const other = await makeUser(database.db);
  await weak.seal(other, place, 'theirs');
  const sealed = await weak.seal(userId, place, 'mine');
  expect(await weak.open(userId, place, sealed)).toBe('mine');
  expect(await codeOf(weak.open(other, place, sealed))).toBe(CLOSED);
});

test('a data key that was copied to another user does not open there', async () => {
  const sealed = await vault.seal(userId, place, 'mine');
  const [mine] = await database.db.select().from(dataKeys).where(eq(dataKeys.userId, userId));
  if (mine === undefined) throw new Error('no data key');
  const thief = await makeUser(database.db);
  await database.db.insert(dataKeys).values({ ...mine, userId: thief });
  expect(await codeOf(vault.open(thief, place, sealed))).toBe(CLOSED);
  expect(await codeOf(vault.seal(thief, place, 'x'))).toBe(CLOSED);
});

test('every flipped bit, cut and addition keeps it closed with one and the same error', async () => {
  const sealed = await vault.seal(userId, place, 'a text of some length');
  const results = new Set<string>();
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const bad = Uint8Array.from(sealed);
    bad[bit >> 3] = (sealed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    results.add(await codeOf(vault.open(userId, place, bad)));
  }
  for (let length = 0; length < sealed.length; length += 1) {
    results.add(await codeOf(vault.open(userId, place, sealed.subarray(0, length))));
  }
  results.add(await codeOf(vault.open(userId, place, Buffer.concat([sealed, Buffer.of(0)]))));
  results.add(await codeOf(vault.open(userId, place, randomBytes(5000))));
  expect([...results]).toEqual([CLOSED]);
});

test('more than a purpose allows is neither sealed nor opened', async () => {
  const key: SealBinding = { purpose: 'api-key', row: 'openai:1' };
  expect(await codeOf(vault.seal(userId, key, 'x'.repeat(4097)))).toMatch(/^too-large/);
  const oversized = Buffer.concat([Buffer.of(1), randomBytes(5000)]);
  expect(await codeOf(vault.open(userId, key, oversized))).toBe(CLOSED);
  expect(await vault.seal(userId, key, 'x'.repeat(4096))).toHaveLength(4096 + 29);
});

test('a large text is sealed and opened', async () => {
  const text = 'ä'.repeat(1_000_000);
  expect(await vault.open(userId, place, await vault.seal(userId, place, text))).toBe(text);
});

test('fifty first uses at once, in two processes, make one data key', async () => {
  const elsewhere = createVault({ db: database.db, ring });
  const sealed = await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      (i % 2 === 0 ? vault : elsewhere).seal(userId, place, `text ${i}`),
    ),
  );
  const later = createVault({ db: database.db, ring });
  const opened = await Promise.all(sealed.map((one) => later.open(userId, place, one)));
  expect(opened).toEqual(sealed.map((_, i) => `text ${i}`));
  const rows = await database.db.select().from(dataKeys).where(eq(dataKeys.userId, userId));
  expect(rows).toHaveLength(1);
});

test('of two processes that make a data key, the slower one takes the other’s', async () => {
  const asked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const slow = createVault({
    db: database.db,
    ring: {
      ...ring,
      async wrap(...args) {
        asked.resolve();
        await gate.promise;
        return ring.wrap(...args);
      },
    },
  });
  const late = slow.seal(userId, place, 'late');
  await asked.promise;
  const early = await vault.seal(userId, place, 'early');
  gate.resolve();
  const fresh = createVault({ db: database.db, ring });
  expect(await fresh.open(userId, place, await late)).toBe('late');
  expect(await fresh.open(userId, place, early)).toBe('early');
});

test('opening makes no data key', async () => {
  const sealed = await vault.seal(await makeUser(database.db), place, 'x');
  expect(await codeOf(vault.open(userId, place, sealed))).toBe(CLOSED);
  expect(await database.db.select().from(dataKeys).where(eq(dataKeys.userId, userId))).toEqual([]);
});

test('a ring that has lost the key is told apart from damage, for the operator', async () => {
  const sealed = await vault.seal(userId, place, 'x');
  const lost = createVault({ db: database.db, ring: await makeRing('k2') });
  expect(await codeOf(lost.open(userId, place, sealed))).toMatch(/^key-ring-incomplete/);
  expect(await codeOf(lost.seal(userId, place, 'y'))).toMatch(/^key-ring-incomplete/);
});

describe('opened data keys', () => {
  test('are unwrapped once for many uses at once and after each other', async () => {
    const { ring: counting, given } = watched(ring);
    const sealed = await vault.seal(userId, place, 'x');
    const fresh = createVault({ db: database.db, ring: counting });
    await Promise.all(Array.from({ length: 40 }, () => fresh.open(userId, place, sealed)));
    await fresh.open(userId, place, sealed);
    expect(given).toHaveLength(1);
  });

  test('are overwritten when their time is over, with nobody asking', async () => {
    const { ring: watching, given } = watched(ring);
    const brief = createVault({ db: database.db, ring: watching, keepMs: 20 });
    const sealed = await brief.seal(userId, place, 'x');
    expect(given).toHaveLength(1);
    await waitFor(() => isOverwritten(given[0]));
    expect(await brief.open(userId, place, sealed)).toBe('x');
    expect(given).toHaveLength(2);
  });

  test('are bounded: the oldest gives way and is overwritten', async () => {
    const { ring: watching, given } = watched(ring);
    const small = createVault({ db: database.db, ring: watching, keepMost: 2 });
    for (const _ of [1, 2, 3]) await small.seal(await makeUser(database.db), place, 'x');
    expect(given.map(isOverwritten)).toEqual([true, false, false]);
  });

  test('are overwritten at once when their user is forgotten', async () => {
    const { ring: watching, given } = watched(ring);
    const fresh = createVault({ db: database.db, ring: watching });
    const sealed = await fresh.seal(userId, place, 'x');
    await database.db.delete(dataKeys).where(eq(dataKeys.userId, userId));
    expect(await fresh.open(userId, place, sealed)).toBe('x');
    fresh.forget(userId);
    expect(isOverwritten(given[0])).toBe(true);
    expect(await codeOf(fresh.open(userId, place, sealed))).toBe(CLOSED);
  });

  test('that were on their way when their user was forgotten are not kept', async () => {
    const sealed = await vault.seal(userId, place, 'x');
    const gate = Promise.withResolvers<void>();
    const waiting = Promise.withResolvers<void>();
    const given: Uint8Array[] = [];
    const slow: KeyRing = {
      ...ring,
      async unwrap(...args) {
        const key = await ring.unwrap(...args);
        given.push(key);
        waiting.resolve();
        await gate.promise;
        return key;
      },
    };
    const fresh = createVault({ db: database.db, ring: slow });
    const opening = codeOf(fresh.open(userId, place, sealed));
    await waiting.promise;
    await database.db.delete(dataKeys).where(eq(dataKeys.userId, userId));
    fresh.forget(userId);
    gate.resolve();
    expect(await opening).toBe(CLOSED);
    expect(given.map(isOverwritten)).toEqual([true]);
  });

  test('stay right for everybody when far more users are at work than are kept', async () => {
    const small = createVault({ db: database.db, ring, keepMost: 3 });
    const people = await Promise.all(Array.from({ length: 20 }, () => makeUser(database.db)));
    const sealed = await Promise.all(people.map((id) => small.seal(id, place, `of ${id}`)));
    const opened = await Promise.all(
      [0, 1, 2].flatMap(() =>
        sealed.map((one, i) => {
          if (i % 5 === 0) small.forget(people[i] ?? 0);
          return small.open(people[i] ?? 0, place, one);
        }),
      ),
    );
    expect(opened).toEqual([0, 1, 2].flatMap(() => people.map((id) => `of ${id}`)));
  });
});

test('a database that fails is no broken seal', async () => {
  const own = await createTestDatabase();
  const cut = createVault({ db: own.db, ring });
  await own.close();
  const error: unknown = await cut.seal(userId, place, 'x').catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Error);
  expect(error).not.toBeInstanceOf(VaultError);
});
