/** Requests of the doctor: bounded in time, and every answer tells what time it is elsewhere. */

import { parseJson } from '../../parse-json.ts';

export interface Answer {
  /** 0: there was none. */
  readonly status: number;
  /** Parsed JSON; undefined where it is none. */
  readonly body: unknown;
}

export interface ClockReading {
  readonly host: string;
  /** By how much this machine's clock is ahead, in milliseconds, to a second or so. */
  readonly aheadMs: number;
}

export interface Asking {
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** What the answers so far said of the time. */
  readonly clocks: readonly ClockReading[];
}

const PATIENCE_MS = 10_000;
/** A `Date` header is cut to whole seconds: half of one is the best guess of the rest. */
const HALF_A_SECOND = 500;

export function createAsking(): Asking {
  const clocks: ClockReading[] = [];
  return {
    clocks,
    async get(url, headers = {}) {
      const begun = Date.now();
      try {
        const response = await fetch(url, {
          headers,
          redirect: 'manual',
          signal: AbortSignal.timeout(PATIENCE_MS),
        });
        const theirs = Date.parse(response.headers.get('date') ?? '');
        if (!Number.isNaN(theirs)) {
          const aheadMs = (begun + Date.now()) / 2 - (theirs + HALF_A_SECOND);
          clocks.push({ host: new URL(url).host, aheadMs });
        }
        const text = await response.text();
        return { status: response.status, body: parseJson(text) };
      } catch {
        // The address may hold a token: nothing of the error is repeated.
        return { status: 0, body: undefined };
      }
    },
  };
}
