import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { VaultConfig } from '../../src/config.ts';
import { eq, sql } from '../../src/db/drizzle.ts';
import { dataKeys, installation, users } from '../../src/db/schema.ts';
import { createAudit } from '../../src/keys/audit.ts';
import { KeyRingError, UnwrapError } from '../../src/keys/key-ring.ts';
import { createKeyRingAdmin } from '../../src/keys/key-ring-admin.ts';
import { openKeyRing } from '../../src/keys/open-key-ring.ts';
import { createTransitClient, TransitError } from '../../src/keys/transit-client.ts';
import { createVault, type SealBinding } from '../../src/keys/vault.ts';
import { Secret } from '../../src/secret.ts';
import { startVaultSimulator, type VaultSimulator } from '../fakes/vault.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let remote: VaultSimulator;
let database: TestDatabase;

beforeEach(async () => {
  [remote, database] = await Promise.all([startVaultSimulator(), createTestDatabase()]);
  remote.makeKey('latchkey');
});
afterEach(() => Promise.all([remote.close(), database.close()]));

const place: SealBinding = { purpose: 'turn-input', row: 'r' };
const config = (more: Partial<VaultConfig> = {}): VaultConfig => ({
  kind: 'vault',
  address: remote.origin,
  token: new Secret(remote.token),
  mount: 'transit',
  key: 'latchkey',
  ...more,
});
const open = (more: Partial<VaultConfig> = {}, mayCreate = true) =>
  openKeyRing({
    db: database.db,
    config: config(more),
    mayCreate,
    onStep: () => undefined,
    onProblem: () => undefined,
    onClose: () => undefined,
  });
async function makeUser(): Promise<number> {
  const [user] = await database.db.insert(users).values({}).returning();
  if (user === undefined) throw new Error('no user');
  return user.id;
}
const thrown = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );
async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await thrown(work);
  return error instanceof UnwrapError || error instanceof TransitError ? error.code : String(error);
}

test('a data key is wrapped in Vault, and opens for its owner alone', async () => {
  const { ring } = await open();
  const dataKey = randomBytes(32);
  const { kid, wrapped } = await ring.wrap(dataKey, { userId: 7 });
  expect(kid).toBe('vault-v1');
  expect(await ring.unwrap(wrapped, kid, { userId: 7 })).toEqual(Uint8Array.from(dataKey));
  expect(await codeOf(ring.unwrap(wrapped, kid, { userId: 8 }))).toBe('does-not-open');
  const again = await open();
  expect(await again.ring.unwrap(wrapped, kid, { userId: 7 })).toEqual(Uint8Array.from(dataKey));
  expect(again.ring.pseudonym('1')).toBe(ring.pseudonym('1'));
  expect(again.ring.auditMac('1')).toBe(ring.auditMac('1'));
});

test('derived keys, and engines mounted elsewhere, serve as well', async () => {
  const elsewhere = await startVaultSimulator('kv/transit-2');
  elsewhere.makeKey('mine', { derived: true });
  try {
    const { ring } = await open({
      address: elsewhere.origin,
      token: new Secret(elsewhere.token),
      mount: 'kv/transit-2',
      key: 'mine',
    });
    const { kid, wrapped } = await ring.wrap(randomBytes(32), { userId: 7 });
    expect(await ring.unwrap(wrapped, kid, { userId: 7 })).toHaveLength(32);
    expect(await codeOf(ring.unwrap(wrapped, kid, { userId: 8 }))).toBe('does-not-open');
  } finally {
    await elsewhere.close();
  }
});

test('tampered, truncated and foreign ciphertext stays closed with one error', async () => {
  const { ring } = await open();
  const { kid, wrapped } = await ring.wrap(randomBytes(32), { userId: 7 });
  const { vault = '' }: { vault?: string } = { ...Object(wrapped) };
  const bytes = Buffer.from(vault.slice('vault:v1:'.length), 'base64');
  const flipped = Buffer.from(bytes);
  flipped[20] = (flipped[20] ?? 0) ^ 1;
  const cases: unknown[] = [
    { vault: `vault:v1:${flipped.toString('base64')}` },
    { vault: `vault:v1:${bytes.subarray(0, 40).toString('base64')}` },
    { vault: `vault:v1:${bytes.subarray(0, 8).toString('base64')}` },
    { vault: vault.slice(0, 20) },
    { vault: vault.replace('v1', 'v2') },
    { vault: `x${vault}` },
    { vault, more: 1 },
    { vault: 'v'.repeat(5_000) },
    null,
    'text',
  ];
  for (const bad of cases) {
    expect(await codeOf(ring.unwrap(bad, kid, { userId: 7 }))).toBe('does-not-open');
  }
  expect(await codeOf(ring.unwrap(wrapped, 'vault-v2', { userId: 7 }))).toBe('does-not-open');
  expect(await codeOf(ring.unwrap({ protected: 'x' }, 'k-1', { userId: 7 }))).toBe('unknown-kek');
});

test('a rotation in Vault brings rows and the ring’s own keys to the new version', async () => {
  const { ring, keeper } = await open();
  const { db } = database;
  const vault = createVault({ db, ring, keepMs: 5 });
  const people = await Promise.all(Array.from({ length: 20 }, makeUser));
  const sealed = await Promise.all(people.map((id) => vault.seal(id, place, `of ${id}`)));
  const admin = createKeyRingAdmin({ db, ring, keeper, audit: createAudit({ db, ring }) });
  const result = await admin.rotate({
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
  expect(result).toMatchObject({ kid: 'vault-v2', rewrapped: 20, failed: 0, lost: 0 });
  expect(await admin.retire('vault-v1')).toEqual(['vault-v1']);
  expect(await admin.status()).toEqual([{ kid: 'vault-v2', state: 'active', rows: 20, lost: 0 }]);
  const later = await open();
  const elsewhere = createVault({ db, ring: later.ring });
  for (const [i, id] of people.entries()) {
    expect(await elsewhere.open(id, place, sealed[i] ?? Buffer.of())).toBe(`of ${id}`);
  }
  expect(later.ring.pseudonym('1')).toBe(ring.pseudonym('1'));
});

test('a version that is in use is not cut off, and one that was cut off is told from damage', async () => {
  const { ring, keeper } = await open();
  const { db } = database;
  const vault = createVault({ db, ring, keepMs: 5 });
  const id = await makeUser();
  const sealed = await vault.seal(id, place, 'x');
  const admin = createKeyRingAdmin({ db, ring, keeper, audit: createAudit({ db, ring }) });
  await keeper.promote(undefined);
  expect(String(await thrown(admin.retire('vault-v1')))).toContain('in use by 1 row');
  await keeper.rewrapOwn();
  await keeper.retire('vault-v1');
  const [row] = await db.select().from(dataKeys).where(eq(dataKeys.userId, id));
  expect(await codeOf(ring.unwrap(row?.wrapped, 'vault-v1', { userId: id }))).toBe('unknown-kek');
  await expect(createVault({ db, ring }).open(id, place, sealed)).rejects.toMatchObject({
    code: 'key-ring-incomplete',
  });
});

describe('what Vault lacks is one sentence for the operator, without the token:', () => {
  const cases: readonly (readonly [string, () => Partial<VaultConfig> | undefined, RegExp])[] = [
    ['sealed', () => void remote.behave('sealed'), /is sealed or not ready: unseal it/],
    ['forbidden', () => void remote.behave('forbidden'), /its policy has to allow it/],
    ['a bad token', () => ({ token: new Secret('hvs.wrong') }), /refuses VAULT_TOKEN/],
    ['no such key', () => ({ key: 'other' }), /has no key transit\/other: make it/],
    ['no such mount', () => ({ mount: 'nowhere' }), /has no key nowhere\/latchkey|does not speak/],
    ['nobody there', () => ({ address: 'http://127.0.0.1:9' }), /does not answer/],
    ['another service', () => void remote.behave('nonsense'), /does not speak like Vault/],
    ['a redirect', () => void remote.behave('redirect'), /does not answer/],
    ['a quota', () => void remote.behave('busy'), /limits how often/],
    [
      'a key that can not bind',
      () => {
        remote.makeKey('rsa', { type: 'rsa-4096' });
        return { key: 'rsa' };
      },
      /of type rsa-4096/,
    ],
  ];
  test.each(cases)('%s', async (_, prepare, sentence) => {
    const error = await thrown(open(prepare()));
    expect(error).toBeInstanceOf(KeyRingError);
    const message = error instanceof Error ? error.message : '';
    expect(message).toMatch(sentence);
    expect(message).not.toContain(remote.token);
    expect(message).not.toContain('\n');
  });
});

test('while Vault is away nothing is taken for damaged, and all goes on when it is back', async () => {
  const { ring } = await open();
  const { kid, wrapped } = await ring.wrap(randomBytes(32), { userId: 7 });
  for (const [mood, code] of [
    ['sealed', 'sealed'],
    ['forbidden', 'forbidden'],
    ['busy', 'rate-limited'],
  ] as const) {
    remote.behave(mood);
    expect(await codeOf(ring.unwrap(wrapped, kid, { userId: 7 }))).toBe(code);
    expect(await codeOf(ring.wrap(randomBytes(32), { userId: 7 }))).toBe(code);
  }
  remote.behave('well');
  expect(await ring.unwrap(wrapped, kid, { userId: 7 })).toHaveLength(32);
  remote.deleteKey('latchkey');
  expect(await codeOf(ring.unwrap(wrapped, kid, { userId: 7 }))).toBe('no-key');
});

test('a Vault that is silent is not waited for without end', async () => {
  remote.behave('silent');
  const client = createTransitClient({ ...config(), timeoutMs: 50 });
  expect(await codeOf(client.key())).toBe('timeout');
});

test('a database that was begun with a ring in a file is not gone on with', async () => {
  await database.db.execute(sql`insert into installation values ('key-ring', '"x"')`);
  expect(String(await thrown(open()))).toContain('begun with a key ring in a file');
  await database.db.delete(installation);
  expect(String(await thrown(open({}, false)))).toContain('start the bot first');
});

test('two starts at once use one ring', async () => {
  const rings = await Promise.all([open(), open(), open()]);
  expect(new Set(rings.map(({ ring }) => ring.pseudonym('x'))).size).toBe(1);
});
