/** Seals what belongs to a user under that user's data key, bound to the place where it is kept. */

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Queryable } from '../db/client.ts';
import { createDataKeys, type DataKeysParts } from './data-keys.ts';
import { UnwrapError } from './key-ring.ts';

export type SealPurpose =
  | 'api-key'
  | 'pasted-key'
  | 'turn-input'
  | 'turn-answer'
  | 'held-notice'
  | 'appeal'
  | 'pool-name';

/** Where a sealed value is kept: it opens nowhere else. */
export interface SealBinding {
  readonly purpose: SealPurpose;
  /** What tells the row from all others of the same owner and purpose. */
  readonly row: string;
}

/**
 * Its first use for a user writes that user's row in `data_keys`, over a connection of its own:
 * not to be called inside a transaction that has made or locked the user's row.
 */
export interface Vault {
  /**
   * Lone surrogates become U+FFFD.
   * @throws VaultError
   */
  seal(userId: number, binding: SealBinding, plain: string): Promise<Uint8Array>;
  /** @throws VaultError */
  open(userId: number, binding: SealBinding, sealed: Uint8Array): Promise<string>;
  /**
   * Begins afresh for a user whose data key the ring can't open because it lost the KEK; what was
   * sealed opens again when that is put back.
   * @param note runs in the same transaction
   * @returns false where the data key opens, or there is none
   */
  renew(userId: number, note: (tx: Queryable) => Promise<void>): Promise<boolean>;
  /** Overwrites the user's data key in this process's memory. */
  forget(userId: number): void;
}

export type VaultErrorCode =
  /** The key ring lacks the KEK: the operator can mend it, by putting that key back. */
  | 'key-ring-incomplete'
  /** More than the purpose allows was to be sealed. */
  | 'too-large'
  /** Anything else, without saying what: damaged, of another owner, place or version, forgotten. */
  | 'does-not-open';

/** Why something stays sealed. Carries no cause, so that it tells nothing about keys or words. */
export class VaultError extends Error {
  override readonly name = 'VaultError';
  readonly code: VaultErrorCode;

  constructor(code: VaultErrorCode) {
    super(`sealed data: ${code}`);
    this.code = code;
  }
}

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const OVERHEAD = 1 + NONCE_BYTES + TAG_BYTES;

/** The most bytes of text a purpose may seal. */
const LIMITS: Readonly<Record<SealPurpose, number>> = {
  'api-key': 4 * 1024,
  'pasted-key': 4 * 1024,
  'turn-input': 16 * 1024 * 1024,
  'turn-answer': 16 * 1024 * 1024,
  'held-notice': 64 * 1024,
  appeal: 8 * 1024,
  'pool-name': 1024,
};

export function createVault(parts: DataKeysParts): Vault {
  const dataKeys = createDataKeys(parts);

  return {
    async seal(userId, binding, plain) {
      const clear = Buffer.from(plain, 'utf8');
      if (clear.length > LIMITS[binding.purpose]) throw new VaultError('too-large');
      const aad = aadOf(userId, binding);
      const sealed = await withOneError(() =>
        dataKeys.use(userId, true, (key) => encrypt(key, aad, clear)),
      );
      if (sealed === undefined) throw new VaultError('does-not-open');
      return sealed;
    },

    async open(userId, binding, sealed) {
      if (
        sealed[0] !== VERSION ||
        sealed.length < OVERHEAD ||
        sealed.length > LIMITS[binding.purpose] + OVERHEAD
      ) {
        throw new VaultError('does-not-open');
      }
      const aad = aadOf(userId, binding);
      const plain = await withOneError(() =>
        dataKeys.use(userId, false, (key) => tryToDecrypt(key, aad, sealed) ?? NOT_OPENED),
      );
      if (plain !== undefined && plain !== NOT_OPENED) return plain.text;
      const lost = await dataKeys.useLost(userId, (key) => tryToDecrypt(key, aad, sealed));
      if (lost.found !== undefined) return lost.found.text;
      throw new VaultError(lost.missing ? 'key-ring-incomplete' : 'does-not-open');
    },

    renew: (userId, note) => dataKeys.renew(userId, note),

    forget: (userId) => dataKeys.forget(userId),
  };
}

async function withOneError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UnwrapError)) throw error;
    throw new VaultError(error.code === 'unknown-kek' ? 'key-ring-incomplete' : 'does-not-open');
  }
}

/** JSON, so that no two bindings run together into the same bytes. */
function aadOf(userId: number, { purpose, row }: SealBinding): Buffer {
  return Buffer.from(JSON.stringify({ version: VERSION, purpose, owner: userId, row }));
}

/** Version byte, nonce, ciphertext, tag. */
function encrypt(key: Uint8Array, aad: Buffer, clear: Buffer): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(aad);
  const body = [cipher.update(clear), cipher.final()];
  return Buffer.concat([Buffer.of(VERSION), nonce, ...body, cipher.getAuthTag()]);
}

interface Opened {
  readonly text: string;
}

const NOT_OPENED: Opened = { text: '' };

/** @returns undefined where the key is not the one that sealed it, or it is damaged */
function tryToDecrypt(key: Uint8Array, aad: Buffer, sealed: Uint8Array): Opened | undefined {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  const nonce = bytes.subarray(1, 1 + NONCE_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(aad);
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  const clear = decipher.update(bytes.subarray(1 + NONCE_BYTES, -TAG_BYTES));
  try {
    decipher.final();
  } catch {
    clear.fill(0);
    return undefined;
  }
  return { text: clear.toString('utf8') };
}
