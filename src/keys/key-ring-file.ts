/** KEY_RING_FILE: `{active, keys: {kid: key}, fingerprint, audit}`, each key 32 bytes in base64url. */

import { randomBytes, randomUUID } from 'node:crypto';
import { link, open, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { makeFolder, tryToWrite } from '../folders.ts';
import { KeyRingError } from './key-ring.ts';

const KEY_BYTES = 32;
/** Characters: shorter ones are no key, nor the better part of one. */
const LEAST_SECRET = 24;
/** Far above a ring of hundreds of keys. */
const MAX_FILE = 64 * 1024;

export interface RingFile {
  /** The KEK that wraps; all of them unwrap. */
  readonly active: string;
  readonly keys: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  readonly fingerprintKey: Uint8Array<ArrayBuffer>;
  readonly auditKey: Uint8Array<ArrayBuffer>;
}

/** What the ring has for itself: the keys for pseudonyms and for the audit trail, 32 bytes each. */
export interface RingOwnKeys {
  readonly fingerprint: Uint8Array;
  readonly audit: Uint8Array;
}

const kidSchema = z.string().regex(/^[\w-]{1,64}$/);
const fileSchema = z.strictObject({
  active: kidSchema,
  keys: z.record(kidSchema, z.string()),
  fingerprint: z.string(),
  audit: z.string(),
});

/**
 * Reads the file, or makes it where it is missing and may be made.
 * @throws KeyRingError
 */
export async function obtainRingFile(options: {
  readonly file: string;
  readonly mayCreate: boolean;
  readonly hasSealedRows: boolean;
}): Promise<{ readonly contents: RingFile; readonly created: boolean }> {
  const { file, mayCreate, hasSealedRows } = options;
  const existing = await readRingFile(file);
  if (existing !== undefined) return { contents: parseRingFile(existing, file), created: false };

  if (hasSealedRows) {
    throw new KeyRingError(
      `The key ring ${file} is missing, but the database holds what only it can open: put the copy of it back, or set KEY_RING_FILE to where it is.`,
    );
  }
  if (!mayCreate) throw missing(file);
  const created = await createRingFile(file);
  const made = await readRingFile(file);
  if (made === undefined) {
    throw new KeyRingError(`The key ring ${file} vanished while it was made: start again.`);
  }
  return { contents: parseRingFile(made, file), created };
}

/** Whether {@link obtainRingFile} can work, as far as it shows without the database. @throws KeyRingError */
export async function checkRingFile(file: string, mayCreate: boolean): Promise<void> {
  const existing = await readRingFile(file);
  if (existing !== undefined) return void parseRingFile(existing, file);
  if (!mayCreate) throw missing(file);
  await tryToWrite(dirname(file)).catch((error: unknown) => {
    throw notMade(file, codeOf(error));
  });
}

/** @returns undefined where there is no file. @throws KeyRingError */
export async function readRingFile(file: string): Promise<string | undefined> {
  try {
    await using handle = await open(file, 'r');
    const stats = await handle.stat();
    if (!stats.isFile()) {
      throw new KeyRingError(
        `The key ring ${file} is not a file: set KEY_RING_FILE to one, or remove what is there.`,
      );
    }
    if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0) {
      throw new KeyRingError(
        `The key ring ${file} can be read by other users of this machine: run chmod 600 ${quote(file)}`,
      );
    }
    if (stats.size > MAX_FILE) throw malformed(file, `it has more than ${MAX_FILE} bytes`);
    return await handle.readFile('utf8');
  } catch (error) {
    if (error instanceof KeyRingError) throw error;
    const code = codeOf(error);
    if (code === 'ENOENT') return undefined;
    throw new KeyRingError(
      `The key ring ${file} can't be read (${code}): let the user that Latchkey runs as read it, or set KEY_RING_FILE to another.`,
    );
  }
}

/**
 * Makes a ring that appears under its name whole or not at all; of two starts at once, one makes
 * it and both use that one.
 * @param own those of the ring whose place it takes; by default new ones
 * @returns whether it was this call that made it
 * @throws KeyRingError
 */
export async function createRingFile(file: string, own?: RingOwnKeys): Promise<boolean> {
  const folder = dirname(file);
  const draft = join(folder, `.key-ring-${randomUUID()}`);
  try {
    await makeFolder(folder);
    try {
      {
        await using handle = await open(draft, 'wx', 0o600);
        await handle.writeFile(freshRing(own));
        await handle.sync();
      }
      // Unlike a rename, a link never replaces a ring that another start has just made.
      await link(draft, file);
    } finally {
      await unlink(draft).catch(() => undefined);
    }
    await syncFolder(folder);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST') return false;
    throw notMade(file, code);
  }
}

/** Makes the new name last through a power cut, where the file system can. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    await using handle = await open(folder, 'r');
    await handle.sync();
  } catch {
    // Some systems can't open a folder; the file itself has been synced.
  }
}

function freshRing(own?: RingOwnKeys): string {
  const key = (taken: Uint8Array = randomBytes(KEY_BYTES)) =>
    Buffer.from(taken).toString('base64url');
  const kid = `k-${randomBytes(6).toString('hex')}`;
  const ring = {
    active: kid,
    keys: { [kid]: key() },
    fingerprint: key(own?.fingerprint),
    audit: key(own?.audit),
  };
  return `${JSON.stringify(ring, null, 2)}\n`;
}

/** @throws KeyRingError that names the file and holds nothing of its contents but short names of keys */
export function parseRingFile(json: string, file: string): RingFile {
  let raw: unknown;
  try {
    raw = JSON.parse(json);
  } catch {
    throw malformed(file, 'it is not JSON');
  }
  const parsed = fileSchema.safeParse(raw);
  if (!parsed.success) {
    // Only the outermost name: further in, a misplaced key could stand for a name.
    const member = parsed.error.issues[0]?.path[0];
    const where = member === undefined ? '' : ` at "${nameOf(String(member))}"`;
    throw malformed(file, `it does not have the form {active, keys, fingerprint, audit}${where}`);
  }
  const { active, keys, fingerprint, audit } = parsed.data;
  // JSON.parse keeps the last of two members with one name, without a word.
  if (countMembers(json) !== Object.keys(parsed.data).length + Object.keys(keys).length) {
    throw malformed(file, 'it has two members of the same name');
  }
  if (!Object.hasOwn(keys, active))
    throw malformed(file, `its active key ${nameOf(active)} is not in it`);

  const seen = new Set<string>();
  const decode = (name: string, text: string): Uint8Array<ArrayBuffer> => {
    const key = Uint8Array.from(Buffer.from(text, 'base64url'));
    if (key.length !== KEY_BYTES || Buffer.from(key).toString('base64url') !== text) {
      throw malformed(file, `${name} is not ${KEY_BYTES} bytes in base64url`);
    }
    if (seen.has(text)) throw malformed(file, `${name} is the same as another key`);
    seen.add(text);
    return key;
  };
  return {
    active,
    keys: new Map(
      Object.entries(keys).map(([kid, key]) => [kid, decode(`the key ${nameOf(kid)}`, key)]),
    ),
    fingerprintKey: decode('fingerprint', fingerprint),
    auditKey: decode('audit', audit),
  };
}

/** What is as long as a key may be one that stands in the wrong place. */
function nameOf(kid: string): string {
  return kid.length < LEAST_SECRET ? kid : `${kid.slice(0, 4)}…`;
}

/** How many names of members a JSON text has, in all its objects. */
function countMembers(json: string): number {
  let count = 0;
  for (const [, colon] of json.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)) {
    if (colon !== undefined) count += 1;
  }
  return count;
}

function missing(file: string): KeyRingError {
  return new KeyRingError(
    `The key ring ${file} is missing: set KEY_RING_FILE to the ring that the other processes of this installation use.`,
  );
}

function notMade(file: string, code: string): KeyRingError {
  return new KeyRingError(
    `The key ring ${file} can't be made (${code}): let the user that Latchkey runs as write to its folder, or set KEY_RING_FILE to another place.`,
  );
}

function malformed(file: string, why: string): KeyRingError {
  return new KeyRingError(
    `The key ring ${file} can't be used, because ${why}: put the copy of it back; only in an installation that holds no keys yet may it be deleted, and a new one is made.`,
  );
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'an unknown fault';
}

function quote(file: string): string {
  return /^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`;
}
