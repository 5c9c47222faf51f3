import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createIdentities } from '../../src/chat/identities.ts';
import { and, eq, sql } from '../../src/db/drizzle.ts';
import { apiKeys, keyChecks, keyPrompts, pastedKeys } from '../../src/db/schema.ts';
import { type AddResult, type ApiKeys, createApiKeys } from '../../src/keys/api-keys.ts';
import { type Audit, createAudit } from '../../src/keys/audit.ts';
import { createVault, type Vault, VaultError } from '../../src/keys/vault.ts';
import type { KeyCheck, ProviderId } from '../../src/llm/provider.ts';
import { createProviders } from '../../src/llm/providers.ts';
import { Secret } from '../../src/secret.ts';
import { type OpenAiSimulator, startOpenAiSimulator } from '../fakes/openai.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeRing } from '../support/key-ring.ts';
import { makeUser } from '../support/users.ts';
import { NAMED_SAMPLES, OTHER_SAMPLES, randomText, SAMPLES } from './sample-keys.ts';

let database: TestDatabase;
let openai: OpenAiSimulator;
let vault: Vault;
let audit: Audit;
let keys: ApiKeys;
let userId: number;
/** What the clock of `keys` shows, in milliseconds. */
let clock: number;
/** What the scripted provider says of a key, and which keys it was shown. */
let verdict: (key: string) => Promise<KeyCheck> | KeyCheck;
let shown: { provider: ProviderId; key: string }[];

beforeAll(async () => {
  [database, openai] = await Promise.all([createTestDatabase(), startOpenAiSimulator()]);
  const ring = await makeRing();
  vault = createVault({ db: database.db, ring });
  audit = createAudit({ db: database.db, ring, now: () => new Date(clock) });
});
afterAll(() => Promise.all([database?.close(), openai?.close()]));

beforeEach(async () => {
  clock = Date.now();
  verdict = () => ({ result: 'valid' });
  shown = [];
  keys = createApiKeys({
    db: database.db,
    vault,
    audit,
    now: () => new Date(clock),
    providers: (provider) => ({
      async checkKey(apiKey) {
        shown.push({ provider, key: apiKey.reveal() });
        return verdict(apiKey.reveal());
      },
    }),
  });
  userId = await makeUser(database.db);
});

const give = (key: string, provider: 'openai' | 'anthropic' | 'mistral' | 'deepseek' = 'openai') =>
  keys.add(userId, provider, new Secret(key));
const rowOf = async (provider = 'openai') => {
  const [row] = await database.db
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.userId, userId), eq(apiKeys.provider, provider)));
  return row;
};
/** @returns whether there was one */
async function remove(provider: string): Promise<boolean> {
  const key = (await keys.list(userId)).find((k) => k.provider === provider);
  return key !== undefined && (await keys.removeKey(userId, key)) !== undefined;
}
const count = (results: readonly AddResult[], what: AddResult['result']) =>
  results.filter(({ result }) => result === what).length;

describe('adding a key', () => {
  test('checks it, keeps it sealed, and shows its last four characters', async () => {
    const key = SAMPLES.openai();
    const added = await give(key);
    expect(added).toEqual({
      result: 'saved',
      state: 'valid',
      hint: key.slice(-4),
      replaced: false,
    });
    expect(shown).toEqual([{ provider: 'openai', key }]);
    const found = await keys.keyFor(userId);
    expect([found?.provider, found?.apiKey.reveal(), found?.state]).toEqual([
      'openai',
      key,
      'valid',
    ]);

    const row = await rowOf();
    const stored = JSON.stringify(row) + Buffer.from(row?.sealed ?? []).toString('latin1');
    expect(stored).not.toContain(key.slice(0, 30));
    expect(JSON.stringify(await keys.list(userId))).not.toContain(key.slice(4, 20));
  });

  test.each([
    ['limited', 'limited'],
    ['unknown', 'unchecked'],
  ] as const)('that is %s keeps it as %s', async (result, state) => {
    verdict = () => ({ result });
    expect(await give(SAMPLES.openai())).toMatchObject({ result: 'saved', state });
    expect((await keys.keyFor(userId))?.state).toBe(state);
  });

  test('that the provider refuses keeps nothing, and leaves the one before', async () => {
    const first = SAMPLES.openai();
    await give(first);
    verdict = () => ({ result: 'invalid' });
    expect(await give(SAMPLES.openai())).toEqual({ result: 'refused', reason: 'invalid' });
    expect((await keys.keyFor(userId))?.apiKey.reveal()).toBe(first);
  });

  test.each([
    ['an administrator’s key', OTHER_SAMPLES.openaiAdmin, 'admin-key'],
    ['a login token', OTHER_SAMPLES.anthropicLogin, 'login-token'],
    ['a key of another provider', SAMPLES.groq, 'unrecognised'],
    ['19 characters', () => randomText(19), 'unrecognised'],
    ['513 characters', () => SAMPLES.openai() + randomText(400), 'unrecognised'],
    ['a key with a space in it', () => `${SAMPLES.openai()} ${randomText(20)}`, 'unrecognised'],
    [
      'a key with a line break in it',
      () => `${SAMPLES.openai()}\n${randomText(20)}`,
      'unrecognised',
    ],
    ['letters that no header takes', () => `${SAMPLES.openai()}é`, 'unrecognised'],
  ] as const)('%s is refused without asking the provider', async (_, make, reason) => {
    expect(await give(make())).toEqual({ result: 'refused', reason });
    expect(shown).toEqual([]);
    expect(await keys.list(userId)).toEqual([]);
  });

  test('takes forms without a prefix for the provider that was named', async () => {
    expect(await give(NAMED_SAMPLES.mistral(), 'mistral')).toMatchObject({ result: 'saved' });
    expect(await give(NAMED_SAMPLES.deepseek(), 'deepseek')).toMatchObject({ result: 'saved' });
  });

  test('replaces the one before, which serves until then', async () => {
    const [first, second] = [SAMPLES.openai(), SAMPLES.openai()];
    await give(first);
    const { version = 0 } = (await rowOf()) ?? {};
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<KeyCheck>();
    verdict = () => {
      asked.resolve();
      return answer.promise;
    };
    const adding = give(second);
    await asked.promise;
    expect((await keys.keyFor(userId))?.apiKey.reveal()).toBe(first);
    answer.resolve({ result: 'valid' });
    expect(await adding).toMatchObject({ result: 'saved', replaced: true });
    const now = await keys.keyFor(userId);
    expect([now?.apiKey.reveal(), now?.version]).toEqual([second, version + 1]);
  });

  test('five times at once ends in one key that opens, and no version comes twice', async () => {
    const given = Array.from({ length: 5 }, () => SAMPLES.openai());
    await give(given[0] ?? '');
    const { version = 0 } = (await rowOf()) ?? {};
    const all = Promise.withResolvers<KeyCheck>();
    verdict = () => {
      if (shown.length === 5) all.resolve({ result: 'valid' });
      return all.promise;
    };
    const results = await Promise.all(given.slice(1).map((key) => give(key)));
    expect(count(results, 'saved')).toBe(4);
    const kept = await keys.keyFor(userId);
    expect(given.slice(1)).toContain(kept?.apiKey.reveal());
    expect(kept?.version).toBe(version + 4);
    expect(await keys.list(userId)).toHaveLength(1);

    userId = await makeUser(database.db);
    const first = await Promise.all(given.map((key) => give(key)));
    expect(first.filter((r) => r.result === 'saved' && !r.replaced)).toHaveLength(1);
    expect(given).toContain((await keys.keyFor(userId))?.apiKey.reveal());
  });
});

describe('checks', () => {
  test('fifty at once: exactly five reach the provider', async () => {
    verdict = () => ({ result: 'invalid' });
    const results = await Promise.all(Array.from({ length: 50 }, () => give(SAMPLES.openai())));
    expect(shown).toHaveLength(5);
    expect([count(results, 'refused'), count(results, 'rate-limited')]).toEqual([5, 45]);
    const rows = await database.db.select().from(keyChecks).where(eq(keyChecks.userId, userId));
    expect(rows).toHaveLength(5);
  });

  test('are allowed again a minute after the first of the five', async () => {
    const begin = clock;
    for (let i = 0; i < 5; i += 1) {
      await give(SAMPLES.openai());
      clock += 1000;
    }
    expect(await give(SAMPLES.openai())).toEqual({
      result: 'rate-limited',
      retryAt: new Date(begin + 60_000),
    });
    clock = begin + 59_999;
    expect(await give(SAMPLES.openai())).toMatchObject({ result: 'rate-limited' });
    clock = begin + 60_000;
    expect(await give(SAMPLES.openai())).toMatchObject({ result: 'saved' });
    expect(await give(SAMPLES.openai())).toMatchObject({ result: 'rate-limited' });
  });

  test('of one user do not limit another', async () => {
    for (let i = 0; i < 5; i += 1) await give(SAMPLES.openai());
    userId = await makeUser(database.db);
    expect(await give(SAMPLES.openai())).toMatchObject({ result: 'saved' });
  });

  test('ask a real provider through its SDK', async () => {
    const real = createApiKeys({
      db: database.db,
      vault,
      audit,
      providers: createProviders({ baseUrls: { openai: openai.url } }),
    });
    const good = openai.keys.add('valid', SAMPLES.openai());
    expect(await real.add(userId, 'openai', new Secret(good))).toMatchObject({
      result: 'saved',
      state: 'valid',
    });
    const bad = new Secret(SAMPLES.openai());
    expect(await real.add(userId, 'openai', bad)).toEqual({ result: 'refused', reason: 'invalid' });
    expect((await real.keyFor(userId))?.apiKey.reveal()).toBe(good);
  });
});

describe('the key for a turn', () => {
  test('is the named provider’s, or the newest', async () => {
    const [first, second] = [SAMPLES.openai(), SAMPLES.anthropic()];
    await give(first, 'openai');
    clock += 10;
    await give(second, 'anthropic');
    expect((await keys.keyFor(userId))?.apiKey.reveal()).toBe(second);
    expect((await keys.keyFor(userId, 'openai'))?.apiKey.reveal()).toBe(first);
    expect(await keys.keyFor(userId, 'groq')).toBeUndefined();
    expect((await keys.list(userId)).map(({ provider }) => provider)).toEqual([
      'openai',
      'anthropic',
    ]);
  });

  test('is never a refused one, and of twenty turns that fail at once one tells its owner', async () => {
    await give(SAMPLES.openai());
    const { version = 0 } = (await keys.keyFor(userId)) ?? {};
    const marked = await Promise.all(
      Array.from({ length: 20 }, (_, turnId) =>
        keys.markRefused(userId, 'openai', version, turnId),
      ),
    );
    expect(marked.filter((refusal) => refusal === 'told-here')).toHaveLength(1);
    expect(marked.filter((refusal) => refusal === 'known')).toHaveLength(19);
    // The one that tells comes again when its worker died before it could.
    const telling = marked.indexOf('told-here');
    expect(await keys.markRefused(userId, 'openai', version, telling)).toBe('told-here');
    expect(await keys.keyFor(userId)).toBeUndefined();
    expect(await keys.list(userId)).toMatchObject([{ state: 'refused' }]);
  });

  test('is an older one where the newest is refused', async () => {
    await give(SAMPLES.anthropic(), 'anthropic');
    clock += 10;
    await give(SAMPLES.openai());
    const { version = 0 } = (await keys.keyFor(userId)) ?? {};
    await keys.markRefused(userId, 'openai', version, 7);
    expect((await keys.keyFor(userId))?.provider).toBe('anthropic');
    expect(await keys.keyFor(userId, 'openai')).toBeUndefined();
  });

  test('is not refused for what its predecessor did', async () => {
    await give(SAMPLES.openai());
    const { version = 0 } = (await keys.keyFor(userId)) ?? {};
    await give(SAMPLES.openai());
    expect(await keys.markRefused(userId, 'openai', version, 7)).toBe('gone');

    expect(await remove('openai')).toBe(true);
    await give(SAMPLES.openai());
    expect(await keys.markRefused(userId, 'openai', version, 7)).toBe('gone');
    expect(await keys.keyFor(userId)).toBeDefined();
  });

  test('is gone when it was removed, once', async () => {
    await give(SAMPLES.openai());
    expect(await remove('openai')).toBe(true);
    expect(await remove('openai')).toBe(false);
    expect(await keys.keyFor(userId)).toBeUndefined();
    expect(await keys.list(userId)).toEqual([]);
  });

  test('counts as checked when it was used', async () => {
    verdict = () => ({ result: 'unknown' });
    await give(SAMPLES.openai());
    const { version = 0 } = (await keys.keyFor(userId)) ?? {};
    await keys.markUsed(userId, 'openai', version + 1);
    expect(await keys.list(userId)).toMatchObject([{ state: 'unchecked', lastUsedAt: null }]);
    await keys.markUsed(userId, 'openai', version);
    expect(await keys.list(userId)).toMatchObject([
      { state: 'valid', lastUsedAt: new Date(clock) },
    ]);
    await keys.markRefused(userId, 'openai', version, 7);
    await keys.markUsed(userId, 'openai', version);
    expect(await keys.list(userId)).toMatchObject([{ state: 'refused' }]);
  });
});

describe('a row that somebody else wrote into the database does not open', () => {
  const closed = async () => {
    const error: unknown = await keys.keyFor(userId).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(VaultError);
  };

  test('an older version that was put back', async () => {
    await give(SAMPLES.openai());
    const old = await rowOf();
    await give(SAMPLES.openai());
    if (old === undefined) throw new Error('no row');
    await database.db.update(apiKeys).set({ sealed: old.sealed }).where(eq(apiKeys.id, old.id));
    await closed();
  });

  test('one from before the key was deleted and added again', async () => {
    await give(SAMPLES.openai());
    const old = await rowOf();
    await remove('openai');
    await give(SAMPLES.openai());
    if (old === undefined) throw new Error('no row');
    await database.db.update(apiKeys).set({ sealed: old.sealed }).where(eq(apiKeys.userId, userId));
    await closed();
  });

  test('the row of another user', async () => {
    const victim = await makeUser(database.db);
    await keys.add(victim, 'openai', new Secret(SAMPLES.openai()));
    await give(SAMPLES.openai());
    const { sealed, version } = (await database.db
      .select()
      .from(apiKeys)
      .where(eq(apiKeys.userId, victim))
      .then(([row]) => row)) ?? { sealed: new Uint8Array(), version: 0 };
    await database.db.update(apiKeys).set({ sealed, version }).where(eq(apiKeys.userId, userId));
    await closed();
  });

  test('the row of another provider', async () => {
    await give(SAMPLES.openai());
    await database.db
      .update(apiKeys)
      .set({ provider: 'anthropic' })
      .where(eq(apiKeys.userId, userId));
    await closed();
  });
});

describe('a pasted key', () => {
  test('is taken by its owner, once, however many presses come at once', async () => {
    const key = SAMPLES.anthropic();
    const { id, hint, expiresAt } = await keys.keepPasted(userId, 'anthropic', new Secret(key));
    expect([hint, expiresAt.getTime()]).toEqual([key.slice(-4), clock + 600_000]);
    const stranger = await makeUser(database.db);
    expect(await keys.takePasted(stranger, id)).toBeUndefined();
    const taken = await Promise.all(Array.from({ length: 20 }, () => keys.takePasted(userId, id)));
    const got = taken.filter((one) => one !== undefined);
    expect(got.map((one) => [one.provider, one.key.reveal()])).toEqual([['anthropic', key]]);
  });

  test('is not taken after ten minutes', async () => {
    const { id } = await keys.keepPasted(userId, 'openai', new Secret(SAMPLES.openai()));
    clock += 600_000;
    expect(await keys.takePasted(userId, id)).toBeUndefined();
    clock -= 600_000;
    expect(await keys.takePasted(userId, id)).toBeUndefined();
  });

  test('does not live longer for a changed end in the database', async () => {
    const { id } = await keys.keepPasted(userId, 'openai', new Secret(SAMPLES.openai()));
    await database.db
      .update(pastedKeys)
      .set({ expiresAt: new Date(clock + 1e9) })
      .where(eq(pastedKeys.id, id));
    expect(await keys.takePasted(userId, id)).toBeUndefined();
  });

  test('makes the button below an older one void', async () => {
    const [old, fresh] = [SAMPLES.openai(), SAMPLES.groq()];
    const first = await keys.keepPasted(userId, 'openai', new Secret(old));
    const second = await keys.keepPasted(userId, 'groq', new Secret(fresh));
    expect(await keys.takePasted(userId, first.id)).toBeUndefined();
    expect((await keys.takePasted(userId, second.id))?.key.reveal()).toBe(fresh);
  });

  test('pasted ten times at once is kept once', async () => {
    await Promise.all(
      Array.from({ length: 10 }, () =>
        keys.keepPasted(userId, 'openai', new Secret(SAMPLES.openai())),
      ),
    );
    const rows = await database.db.select().from(pastedKeys).where(eq(pastedKeys.userId, userId));
    expect(rows).toHaveLength(1);
  });

  test.each([0, -1, 0.5, Number.NaN, 1e300, 2 ** 53])('has no id %d', async (id) => {
    expect(await keys.takePasted(userId, id)).toBeUndefined();
  });
});

describe('a prompt for a key', () => {
  const person = () => ({ platform: 'telegram', platformUserId: `p${userId}` }) as const;

  test('is open for one person, until it is closed', async () => {
    await keys.openPrompt(person(), null);
    expect(await keys.activePrompt(person())).toEqual({ provider: null });
    expect(await keys.activePrompt({ ...person(), platform: 'discord' })).toBeUndefined();
    expect(await keys.activePrompt({ ...person(), platformUserId: 'else' })).toBeUndefined();
    await keys.openPrompt(person(), 'groq');
    expect(await keys.activePrompt(person())).toEqual({ provider: 'groq' });
    await keys.closePrompt(person());
    expect(await keys.activePrompt(person())).toBeUndefined();
    await keys.closePrompt(person());
  });

  test('ends after ten minutes', async () => {
    await keys.openPrompt(person(), 'openai');
    clock += 599_999;
    expect(await keys.activePrompt(person())).toBeDefined();
    clock += 1;
    expect(await keys.activePrompt(person())).toBeUndefined();
  });
});

describe('a clock that is put', () => {
  const person = () => ({ platform: 'telegram', platformUserId: `c${userId}` }) as const;
  const HOUR = 3_600_000;

  test('back: what waits ten minutes does not wait longer, and goes', async () => {
    await keys.openPrompt(person(), 'mistral');
    const pasted = await keys.keepPasted(userId, 'openai', new Secret(SAMPLES.openai()));
    clock -= HOUR;
    const identities = createIdentities({ db: database.db, now: () => new Date(clock) });
    await identities.personOf('telegram', person().platformUserId);
    const chat = { platform: 'telegram', chatId: 'c', kind: 'direct' } as const;
    const sender = { platformUserId: person().platformUserId, displayName: 'C' };
    expect(await keys.activePrompt(person())).toBeUndefined();
    expect(await identities.know(sender, chat)).toMatchObject({ isKeyAwaited: false });
    expect(await keys.takePasted(userId, pasted.id)).toBeUndefined();
    await keys.keepPasted(userId, 'openai', new Secret(SAMPLES.openai()));
    clock -= HOUR;
    await keys.removeExpired();
    expect(await database.db.$count(pastedKeys, eq(pastedKeys.userId, userId))).toBe(0);
    const left = sql`platform_user_id = ${person().platformUserId}`;
    expect(await database.db.$count(keyPrompts, left)).toBe(0);
    await keys.openPrompt(person(), 'mistral');
    expect(await identities.know(sender, chat)).toMatchObject({ isKeyAwaited: true });
  });

  test('back: nobody waits for their checks until that time comes again', async () => {
    for (let i = 0; i < 5; i += 1) await give(SAMPLES.openai());
    expect(await give(SAMPLES.openai())).toMatchObject({ result: 'rate-limited' });
    clock -= HOUR;
    expect(await give(SAMPLES.openai())).toMatchObject({ result: 'saved' });
  });

  test('forward and back: a key with an end is not used in between, and is there again', async () => {
    await give(SAMPLES.openai());
    const [key] = await keys.list(userId);
    if (key === undefined) throw new Error('no key');
    await keys.forgetAfter(userId, key, 30);
    clock += 31 * 24 * HOUR;
    expect(await keys.keyFor(userId, 'openai')).toBeUndefined();
    clock -= 31 * 24 * HOUR;
    expect(await keys.keyFor(userId, 'openai')).toBeDefined();
  });
});

test('what has expired is deleted, and nothing else', async () => {
  const early = { platform: 'telegram', platformUserId: `early${userId}` } as const;
  const late = { platform: 'telegram', platformUserId: `late${userId}` } as const;
  await keys.keepPasted(userId, 'openai', new Secret(SAMPLES.openai()));
  await keys.openPrompt(early, null);
  await give(SAMPLES.openai());
  clock += 600_000;
  const other = await makeUser(database.db);
  const kept = await keys.keepPasted(other, 'openai', new Secret(SAMPLES.openai()));
  await keys.openPrompt(late, null);
  await keys.removeExpired();
  expect(await database.db.$count(pastedKeys, eq(pastedKeys.userId, userId))).toBe(0);
  expect(await database.db.$count(keyChecks, eq(keyChecks.userId, userId))).toBe(0);
  expect(
    await database.db.$count(keyPrompts, sql`platform_user_id = ${early.platformUserId}`),
  ).toBe(0);
  expect(await keys.activePrompt(late)).toBeDefined();
  expect(await keys.takePasted(other, kept.id)).toBeDefined();
  expect(await keys.list(userId)).toHaveLength(1);
});
