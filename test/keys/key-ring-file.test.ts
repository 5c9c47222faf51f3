import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KeyRingError } from '../../src/keys/key-ring.ts';
import { loadKeyRing } from '../../src/keys/local-key-ring.ts';
import { StartError } from '../../src/start-error.ts';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-ring-'));
  file = join(folder, 'key-ring.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const key = () => randomBytes(32).toString('base64url');
const whole = () => ({
  active: 'a',
  keys: { a: key(), b: key() },
  fingerprint: key(),
  audit: key(),
});
const load = (hasSealedRows = false, mayCreate = true) =>
  loadKeyRing({ file, hasSealedRows, mayCreate });

async function refusal(loading: Promise<unknown>): Promise<string> {
  const error = await loading.then(
    () => 'loaded',
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(KeyRingError);
  expect(error).toBeInstanceOf(StartError);
  const message = error instanceof Error ? error.message : '';
  expect(message).toContain(file);
  expect(message).not.toContain('\n');
  return message;
}

test('an empty installation gets a ring that only its owner can read, and keeps it', async () => {
  const first = await load();
  expect(first.created).toBe(true);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['key-ring.json']);

  const { kid, wrapped } = await first.ring.wrap(randomBytes(32), { userId: 1 });
  const second = await load(true);
  expect(second.created).toBe(false);
  expect(await second.ring.unwrap(wrapped, kid, { userId: 1 })).toHaveLength(32);
  expect(second.ring.pseudonym('1')).toBe(first.ring.pseudonym('1'));
});

test('a ring is made in a folder that does not exist yet', async () => {
  file = join(folder, 'new', 'data', 'ring.json');
  expect((await load()).created).toBe(true);
});

test('ten starts at once make one ring', async () => {
  const rings = await Promise.all(Array.from({ length: 10 }, () => load()));
  expect(rings.filter(({ created }) => created)).toHaveLength(1);
  expect(new Set(rings.map(({ ring }) => ring.pseudonym('x'))).size).toBe(1);
  expect(await readdir(folder)).toEqual(['key-ring.json']);
});

test('a missing ring beside sealed rows stops the start, and none is made', async () => {
  expect(await refusal(load(true))).toMatch(/is missing.*put the copy of it back/);
  expect(await readdir(folder)).toEqual([]);
});

test('a process that may not make the ring says what to set', async () => {
  expect(await refusal(load(false, false))).toMatch(/is missing.*KEY_RING_FILE/);
  expect(await readdir(folder)).toEqual([]);
});

test('a ring that others can read is refused with the command that mends it', async () => {
  for (const mode of [0o644, 0o640, 0o604, 0o620, 0o666]) {
    await writeFile(file, JSON.stringify(whole()), { mode: 0o600 });
    await chmod(file, mode);
    expect(await refusal(load())).toContain(`chmod 600 ${file}`);
  }
  await chmod(file, 0o400);
  expect((await load()).created).toBe(false);
});

test('a folder in the place of the ring is named as such', async () => {
  await mkdir(file);
  expect(await refusal(load())).toMatch(/is not a file/);
});

const malformed: readonly (readonly [string, () => string, RegExp])[] = [
  ['an empty file', () => '', /not JSON/],
  ['half a file', () => JSON.stringify(whole()).slice(0, 90), /not JSON/],
  ['a list', () => '[]', /does not have the form/],
  ['no active key named', () => JSON.stringify({ ...whole(), active: undefined }), /"active"/],
  [
    'an active key that is not there',
    () => JSON.stringify({ ...whole(), active: 'z' }),
    /active key z/,
  ],
  ['no keys', () => JSON.stringify({ ...whole(), keys: {} }), /active key a/],
  [
    'no fingerprint key',
    () => JSON.stringify({ ...whole(), fingerprint: undefined }),
    /"fingerprint"/,
  ],
  ['no audit key', () => JSON.stringify({ ...whole(), audit: undefined }), /"audit"/],
  ['a member too many', () => JSON.stringify({ ...whole(), extra: 1 }), /does not have the form/],
  [
    'a short key',
    () => JSON.stringify({ ...whole(), keys: { a: key().slice(2) } }),
    /the key a is not 32 bytes/,
  ],
  [
    'a long key',
    () => JSON.stringify({ ...whole(), audit: `${key()}AA` }),
    /audit is not 32 bytes/,
  ],
  [
    'a key in hex',
    () => JSON.stringify({ ...whole(), keys: { a: randomBytes(32).toString('hex') } }),
    /the key a is not 32 bytes/,
  ],
  [
    'one key under two names',
    () => {
      const twice = key();
      return JSON.stringify({ ...whole(), keys: { a: twice, b: twice } });
    },
    /the same as another key/,
  ],
  [
    'a fingerprint key that is also a KEK',
    () => {
      const ring = whole();
      return JSON.stringify({ ...ring, fingerprint: ring.keys.a });
    },
    /the same as another key/,
  ],
  [
    'two keys of one name',
    () => JSON.stringify(whole()).replace('"b":', '"a":'),
    /two members of the same name/,
  ],
  [
    'two active keys',
    () => JSON.stringify(whole()).replace('{', '{"active":"b",'),
    /two members of the same name/,
  ],
  ['a huge file', () => JSON.stringify(whole()) + ' '.repeat(70_000), /more than/],
];

test('a key in the place of a name is not repeated by the error', async () => {
  const { active, keys, ...own } = whole();
  for (const ring of [
    { ...own, keys, active: keys.a },
    { ...own, active: keys.a, keys: { [keys.a]: 'a' } },
    { ...own, active, keys: { ...keys, [own.audit]: keys.a } },
    { ...own, active, keys, [keys.a]: 'a' },
  ]) {
    await writeFile(file, JSON.stringify(ring), { mode: 0o600 });
    const message = await refusal(load());
    for (const secret of [...Object.values(keys), own.audit]) {
      expect(message).not.toContain(secret.slice(0, 12));
    }
  }
});

test.each(malformed)('%s stops the start', async (_, contents, why) => {
  const text = contents();
  await writeFile(file, text, { mode: 0o600 });
  const message = await refusal(load());
  expect(message).toMatch(why);
  for (const [, secret = ''] of text.matchAll(/"([\w-]{40,})"/g)) {
    expect(message).not.toContain(secret);
  }
  expect(await readFile(file, 'utf8')).toBe(text);
});
