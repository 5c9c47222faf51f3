/** How often the bot may ask: so many per route and channel, so many in all. */

import { createHash } from 'node:crypto';
import { limited } from './faults.ts';
import type { Rates } from './types.ts';

export const DISCORDS_RATES: Rates = { perRoute: 5, windowMs: 5_000, perSecond: 50 };

/** Those that share the bounds of sending; others are bounded in all only. */
const BOUNDED = new Set([
  'POST /channels/:channel/messages',
  'PATCH /channels/:channel/messages/:message',
  'DELETE /channels/:channel/messages/:message',
  'POST /channels/:channel/typing',
  'POST /webhooks/:application/:token',
  'PATCH /webhooks/:application/:token/messages/:message',
  'DELETE /webhooks/:application/:token/messages/:message',
]);

interface Window {
  used: number;
  endsAt: number;
}

export class RateLimits {
  readonly #rates: Rates;
  readonly #now: () => number;
  readonly #windows = new Map<string, Window>();
  #second: Window = { used: 0, endsAt: 0 };

  constructor(rates: Rates, now: () => number) {
    this.#rates = rates;
    this.#now = now;
  }

  /**
   * @param major the channel, or application and token
   * @returns headers for the answer
   * @throws DiscordRefusal 429
   */
  take(route: string, major: string, withBotToken: boolean): Readonly<Record<string, string>> {
    const now = this.#now();
    if (withBotToken && !isOfInteractions(route)) this.#takeOfAll(now);
    if (!BOUNDED.has(route)) return {};
    const key = `${route} ${major}`;
    const { perRoute, windowMs } = this.#rates;
    let window = this.#windows.get(key);
    if (window === undefined || window.endsAt <= now) {
      window = { used: 0, endsAt: now + windowMs };
      this.#windows.set(key, window);
    }
    window.used += 1;
    const seconds = (window.endsAt - now) / 1000;
    const headers = {
      'x-ratelimit-limit': String(perRoute),
      'x-ratelimit-remaining': String(Math.max(0, perRoute - window.used)),
      'x-ratelimit-reset': String(window.endsAt / 1000),
      'x-ratelimit-reset-after': String(seconds),
      'x-ratelimit-bucket': createHash('md5').update(route).digest('hex'),
    };
    if (window.used > perRoute) throw limited(seconds, 'user', headers);
    return headers;
  }

  #takeOfAll(now: number): void {
    if (this.#second.endsAt <= now) this.#second = { used: 0, endsAt: now + 1000 };
    this.#second.used += 1;
    if (this.#second.used > this.#rates.perSecond) {
      throw limited((this.#second.endsAt - now) / 1000, 'global');
    }
  }
}

function isOfInteractions(route: string): boolean {
  return route.includes(' /webhooks/') || route.includes(' /interactions/');
}
