/** The port of the key-encryption keys (KEKs), which may live in a file or with a remote service. */

import { createHmac } from 'node:crypto';
import { StartError } from '../start-error.ts';

/** Whose data key it is: it unwraps for no other owner. */
export interface KeyContext {
  readonly userId: number;
}

export interface WrappedKey {
  /** The KEK that wrapped it. */
  readonly kid: string;
  /** JSON, to be stored as it is. */
  readonly wrapped: unknown;
}

export interface KeyRing {
  /** Wraps a data key of 32 bytes under the active KEK. */
  wrap(dataKey: Uint8Array, context: KeyContext): Promise<WrappedKey>;
  /**
   * @param kid what is stored beside the wrapped key: the one KEK that is tried
   * @returns 32 bytes, which the caller owns and may overwrite
   * @throws UnwrapError
   */
  unwrap(wrapped: unknown, kid: string, context: KeyContext): Promise<Uint8Array>;
  /**
   * A name for a subject that stays the same and can't be traced back without the ring
   * (HMAC-SHA256, 43 characters of base64url).
   */
  pseudonym(subject: string): string;
  /** The MAC of a line of the audit trail (HMAC-SHA256 under a key of its own, base64url). */
  auditMac(line: string): string;
}

export interface Kek {
  readonly kid: string;
  /** The one that wraps. */
  readonly active: boolean;
}

/** What the operator does to a ring; the second half of the port, for the shell alone. */
export interface KeyRingKeeper {
  /** Oldest first. @throws KeyRingError */
  keks(): Promise<readonly Kek[]>;
  /** Adds a KEK that opens only, where the ring can: for copies that are to be spread first. @throws KeyRingError */
  add(): Promise<string>;
  /**
   * Makes a KEK the active one: the one that is named, or else a new one.
   * @returns its kid
   * @throws KeyRingError
   */
  promote(kid: string | undefined): Promise<string>;
  /** Brings what the ring itself keeps under a KEK to the active one. */
  rewrapOwn(): Promise<void>;
  /** Removes a KEK. That nothing is wrapped by it is the caller's to know. @throws KeyRingError */
  retire(kid: string): Promise<void>;
  /** The KEKs that go with this one: a remote service may only cut off all up to a version. */
  retiredWith(kid: string): Promise<readonly string[]>;
}

export type UnwrapErrorCode =
  /** What is stored was wrapped by a KEK that this ring does not hold. */
  | 'unknown-kek'
  /** Anything else: damaged, made for another owner, of another form. */
  | 'does-not-open';

/** Why a data key stays closed. Says nothing about what was tried. */
export class UnwrapError extends Error {
  override readonly name = 'UnwrapError';
  readonly code: UnwrapErrorCode;

  constructor(code: UnwrapErrorCode) {
    super(
      code === 'unknown-kek'
        ? 'the key ring lacks the key of a data key'
        : 'a data key does not open',
    );
    this.code = code;
  }
}

/** The bytes that bind a wrapped data key to its owner; never stored, rebuilt from who asks. */
export function bindingOf({ userId }: KeyContext): Uint8Array {
  return Buffer.from(JSON.stringify({ purpose: 'data-key', version: 1, owner: userId }));
}

/** What a ring does with the two small keys of its own, wherever its KEKs live. */
export function ownKeyMacs(keys: {
  readonly fingerprintKey: Uint8Array;
  readonly auditKey: Uint8Array;
}): Pick<KeyRing, 'pseudonym' | 'auditMac'> {
  const mac = (key: Uint8Array, text: string) =>
    createHmac('sha256', key).update(text).digest('base64url');
  return {
    pseudonym: (subject) => mac(keys.fingerprintKey, `pseudonym:${subject}`),
    auditMac: (line) => mac(keys.auditKey, `audit:${line}`),
  };
}

/** The fact of the installation that holds the {@link installationName} of its ring. */
export const RING_FACT = 'key-ring';

/** The same for every copy of a ring, and for no other ring. */
export const installationName = (ring: Pick<KeyRing, 'pseudonym'>) =>
  ring.pseudonym('installation');

/** The key ring can't be used: one sentence for the operator, with the file and what to do. */
export class KeyRingError extends StartError {}
