import { randomBytes } from 'node:crypto';
import { base64url, FlattenedEncrypt } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { type KeyRing, UnwrapError } from '../../src/keys/key-ring.ts';
import { createLocalKeyRing } from '../../src/keys/local-key-ring.ts';

const owner = { userId: 7 };
const aad = (userId: number) =>
  Buffer.from(JSON.stringify({ purpose: 'data-key', version: 1, owner: userId }));

let kek: Buffer;
let other: Buffer;
let ring: KeyRing;
let dataKey: Buffer;

const ringOf = (active: string, keys: Readonly<Record<string, Buffer>>) =>
  createLocalKeyRing({
    active,
    keys: new Map(Object.entries(keys).map(([kid, key]) => [kid, Uint8Array.from(key)])),
    fingerprintKey: Uint8Array.from(kek),
    auditKey: Uint8Array.from(kek),
  });

beforeEach(async () => {
  kek = randomBytes(32);
  other = randomBytes(32);
  dataKey = randomBytes(32);
  ring = await ringOf('k1', { k1: kek, k2: other });
});

async function codeOf(opening: Promise<unknown>): Promise<string> {
  const error = await opening.then(
    () => 'opened',
    (thrown: unknown) => thrown,
  );
  return error instanceof UnwrapError ? `${error.code}: ${error.message}` : String(error);
}

const CLOSED = 'does-not-open: a data key does not open';
const members = (wrapped: unknown): Record<string, string> => ({ ...Object(wrapped) });

/** A JWE of somebody who holds the KEK but does not keep to our form. */
async function forge(
  header: Record<string, unknown>,
  options: { key?: Uint8Array; cek?: Uint8Array; aad?: Buffer; unprotected?: object } = {},
): Promise<Record<string, string>> {
  const jwe = new FlattenedEncrypt(dataKey)
    .setProtectedHeader({ typ: 'latchkey-data-key', kid: 'k1', ...header })
    .setAdditionalAuthenticatedData(options.aad ?? aad(7));
  if (options.unprotected !== undefined) jwe.setUnprotectedHeader({ ...options.unprotected });
  const { aad: _, ...rest } = await jwe.encrypt(options.key ?? kek);
  return members(rest);
}
const OURS = { alg: 'A256GCMKW', enc: 'A256GCM' };

test('a wrapped data key opens for its owner, also when another key has become the active one', async () => {
  const { kid, wrapped } = await ring.wrap(dataKey, owner);
  expect(kid).toBe('k1');
  expect(JSON.stringify(wrapped).length).toBeLessThan(600);
  const stored: unknown = JSON.parse(JSON.stringify(wrapped));
  expect(await ring.unwrap(stored, kid, owner)).toEqual(Uint8Array.from(dataKey));

  const promoted = await ringOf('k2', { k1: kek, k2: other });
  expect(await promoted.unwrap(stored, kid, owner)).toEqual(Uint8Array.from(dataKey));
  expect((await promoted.wrap(dataKey, owner)).kid).toBe('k2');
});

test('a wrapped data key opens for no other owner', async () => {
  const { kid, wrapped } = await ring.wrap(dataKey, owner);
  expect(await codeOf(ring.unwrap(wrapped, kid, { userId: 8 }))).toBe(CLOSED);
});

test('every flipped bit, every cut and every addition keeps it closed with one and the same error', async () => {
  const { kid, wrapped } = await ring.wrap(dataKey, owner);
  const results = new Set<string>();
  for (const [name, text] of Object.entries(members(wrapped))) {
    const bytes = Buffer.from(text, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const bad = { ...members(wrapped), [name]: flipped.toString('base64url') };
      results.add(await codeOf(ring.unwrap(bad, kid, owner)));
    }
    for (let length = 0; length < text.length; length += 1) {
      const bad = { ...members(wrapped), [name]: text.slice(0, length) };
      results.add(await codeOf(ring.unwrap(bad, kid, owner)));
    }
    results.add(await codeOf(ring.unwrap({ ...members(wrapped), [name]: `${text}A` }, kid, owner)));
    const { [name]: _, ...without } = members(wrapped);
    results.add(await codeOf(ring.unwrap(without, kid, owner)));
  }
  expect([...results]).toEqual([CLOSED]);
});

test('another spelling of the same bytes does not open', async () => {
  const { kid, wrapped } = await ring.wrap(dataKey, owner);
  const { tag = '' } = members(wrapped);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const spellings = [...alphabet]
    .map((last) => tag.slice(0, -1) + last)
    .filter(
      (text) => text !== tag && base64url.decode(text).join() === base64url.decode(tag).join(),
    );
  expect(spellings).toHaveLength(15);
  for (const text of spellings) {
    expect(await codeOf(ring.unwrap({ ...members(wrapped), tag: text }, kid, owner))).toBe(CLOSED);
  }
});

test('what is no wrapped data key at all does not open', async () => {
  for (const bad of [null, undefined, '', 'text', 7, [], {}, [1], { protected: 5 }, true]) {
    expect(await codeOf(ring.unwrap(bad, 'k1', owner))).toBe(CLOSED);
  }
});

describe('of what the holder of the key made', () => {
  test('our own form opens (the control of this group)', async () => {
    const jwe = await forge(OURS);
    expect(await ring.unwrap(jwe, 'k1', owner)).toEqual(Uint8Array.from(dataKey));
  });

  test.each([
    ['another key wrapping', { alg: 'A256KW', enc: 'A256GCM' }],
    ['direct encryption', { alg: 'dir', enc: 'A256GCM' }],
    ['a password', { alg: 'PBES2-HS512+A256KW', enc: 'A256GCM' }],
    ['another content encryption', { alg: 'A256GCMKW', enc: 'A256CBC-HS512' }],
    ['compression', { ...OURS, zip: 'DEF' }],
    ['another type', { ...OURS, typ: 'JWT' }],
    ['one parameter more', { ...OURS, cty: 'x' }],
    ['an unknown key id', { ...OURS, kid: 'k9' }],
    ['the id of another key', { ...OURS, kid: 'k2' }],
  ])('%s does not open', async (_, header) => {
    expect(await codeOf(ring.unwrap(await forge(header), 'k1', owner))).toBe(CLOSED);
  });

  test('an unprotected header does not open', async () => {
    const jwe = await forge(OURS, { unprotected: { note: 'x' } });
    expect(await codeOf(ring.unwrap(jwe, 'k1', owner))).toBe(CLOSED);
  });

  test('the row can not bring its own additional data', async () => {
    const jwe = await forge(OURS, { aad: aad(8) });
    const bad = { ...jwe, aad: base64url.encode(aad(8)) };
    expect(await codeOf(ring.unwrap(bad, 'k1', owner))).toBe(CLOSED);
  });

  test('more than 4 KiB is not even looked at', async () => {
    const kid = 'k'.repeat(4000);
    expect(await codeOf(ring.unwrap(await forge({ ...OURS, kid }), kid, owner))).toBe(CLOSED);
    const smaller = 'k'.repeat(1000);
    const unknown = await forge({ ...OURS, kid: smaller });
    expect(await codeOf(ring.unwrap(unknown, smaller, owner))).toMatch(/^unknown-kek/);
  });

  test('the id beside it must be that of its header', async () => {
    expect(await codeOf(ring.unwrap(await forge(OURS), 'k2', owner))).toBe(CLOSED);
    const second = await forge({ ...OURS, kid: 'k2' });
    expect(await codeOf(ring.unwrap(second, 'k2', owner))).toBe(CLOSED);
    // Else a changed row would pass for one whose key the ring has lost, and be given up.
    expect(await codeOf(ring.unwrap(await forge(OURS), 'k-nowhere', owner))).toBe(CLOSED);
  });
});

test('a ring that has lost the key says so, and not that the data is damaged', async () => {
  const { kid, wrapped } = await ring.wrap(dataKey, owner);
  const lost = await ringOf('k2', { k2: other });
  expect(await codeOf(lost.unwrap(wrapped, kid, owner))).toMatch(/^unknown-kek: /);
  expect(await codeOf(lost.unwrap(wrapped, 'k2', owner))).toBe(CLOSED);
});

test('pseudonyms last, differ, and need the ring', async () => {
  expect(ring.pseudonym('1')).toMatch(/^[\w-]{43}$/);
  expect(ring.pseudonym('1')).toBe(ring.pseudonym('1'));
  expect(ring.pseudonym('1')).not.toBe(ring.pseudonym('2'));
  kek = randomBytes(32);
  const another = await ringOf('k1', { k1: kek });
  expect(another.pseudonym('1')).not.toBe(ring.pseudonym('1'));
});

test('the buffers that keys were read into are overwritten', async () => {
  const bytes = Uint8Array.from(kek);
  await createLocalKeyRing({
    active: 'k1',
    keys: new Map([['k1', bytes]]),
    fingerprintKey: Uint8Array.from(other),
    auditKey: Uint8Array.from(other),
  });
  expect(bytes.every((byte) => byte === 0)).toBe(true);
});
