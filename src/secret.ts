import { createHash, timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';

const REDACTED = '[secret]';

/** A string that shows itself to nobody but the caller of {@link reveal}. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The only way to the value: call it where the value is used, and keep no copy. */
  reveal(): string {
    return this.#value;
  }

  /** Whether a text from outside is this secret, found out in a time that tells nothing about it. */
  is(text: string): boolean {
    // Hashes are of one length, as the comparison needs.
    return timingSafeEqual(sha256(text), sha256(this.#value));
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
