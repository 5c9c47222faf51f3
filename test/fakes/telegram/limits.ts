/**
 * How much a bot may send: about one message a second to a chat, 20 a minute to a group, 30 a
 * second overall. Telegram calls these approximate; edits count as messages.
 */

import type { ChatRecord } from './state.ts';

const BURST = 5;
const GROUP_PER_MINUTE = 20;
const OVERALL_PER_SECOND = 30;

/** Drafts, typing and deletions are not held to these limits. */
const COUNTED = /^(?:send(?!chataction|messagedraft|richmessagedraft)|copy|forward|edit)/;

interface Bucket {
  tokens: number;
  at: number;
}

export class RateLimits {
  readonly #now: () => number;
  readonly #buckets = new Map<number, Bucket>();
  readonly #minutes = new Map<number, number[]>();
  #overall: number[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Counts a request that may go through.
   * @param method in lower case
   * @returns the seconds to wait, when it may not
   */
  check(method: string, record: ChatRecord | undefined): number | undefined {
    if (!COUNTED.test(method) || record === undefined) return undefined;
    const now = this.#now();
    const chatId = record.chat.id;
    this.#overall = this.#overall.filter((at) => now - at < 1_000);
    const minute = (this.#minutes.get(chatId) ?? []).filter((at) => now - at < 60_000);
    const bucket = this.#refill(chatId, now);
    if (this.#overall.length >= OVERALL_PER_SECOND) return 1;
    if (bucket.tokens < 1) return 1;
    const oldest = minute[0];
    const isGroup = record.chat.type !== 'private';
    if (isGroup && minute.length >= GROUP_PER_MINUTE && oldest !== undefined) {
      return Math.max(1, Math.ceil((oldest + 60_000 - now) / 1_000));
    }
    bucket.tokens -= 1;
    this.#overall.push(now);
    this.#minutes.set(chatId, [...minute, now]);
    return undefined;
  }

  #refill(chatId: number, now: number): Bucket {
    const known = this.#buckets.get(chatId) ?? { tokens: BURST, at: now };
    const tokens = Math.min(BURST, known.tokens + (now - known.at) / 1_000);
    const bucket = { tokens, at: now };
    this.#buckets.set(chatId, bucket);
    return bucket;
  }
}
