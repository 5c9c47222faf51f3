/** The port of the key-encryption keys (KEKs), which may live in a file or with a remote service. */

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

/** The key ring can't be used: one sentence for the operator, with the file and what to do. */
export class KeyRingError extends StartError {}
