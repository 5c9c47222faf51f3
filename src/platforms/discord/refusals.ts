/**
 * Discord bans an address for some time after 10,000 refused requests (401, 403, 429) in ten
 * minutes: https://docs.discord.com/developers/topics/rate-limits. Several processes may share one.
 */

import { PlatformError } from '../../chat/platform.ts';

const WINDOW_MS = 600_000;
const MOST = 1000;

export class Refusals {
  readonly #most: number;
  readonly #now: () => number;
  #since = 0;
  #count = 0;

  constructor(most: number = MOST, now: () => number = () => performance.now()) {
    this.#most = most;
    this.#now = now;
  }

  /** @param status of an answer */
  note(status: number): void {
    if (status !== 401 && status !== 403 && status !== 429) return;
    if (this.#now() - this.#since >= WINDOW_MS) {
      this.#since = this.#now();
      this.#count = 0;
    }
    this.#count += 1;
  }

  /** @throws PlatformError while so much was refused that nothing more should be asked */
  check(): void {
    const waitMs = Math.ceil(this.#since + WINDOW_MS - this.#now());
    if (this.#count < this.#most || waitMs <= 0) return;
    throw new PlatformError('flood', 'Discord refused too many requests', waitMs);
  }
}
