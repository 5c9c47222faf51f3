/**
 * One HTTP exchange with a provider, below its SDK: what is sent, how long is waited, what a
 * refusal said.
 */

/** All in milliseconds. */
export interface CallLimits {
  /** From the request to the response's headers. */
  readonly firstByteMs: number;
  /** Between two pieces of the response, keep-alives included. */
  readonly silenceMs: number;
  /** From the request to the end, however lively the connection. */
  readonly totalMs: number;
}

/** A response that is no success. The text may echo a part of the key: it never leaves `llm`. */
export interface Refusal {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface HttpCall {
  /** For the SDK's `fetch` option. */
  readonly fetch: (url: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** For the SDK's `signal` option. */
  readonly signal: AbortSignal;
  readonly state: () => {
    readonly responded: boolean;
    readonly timedOut: boolean;
    readonly refusal: Refusal | undefined;
  };
  /** Ends the exchange at once, where it still lives. */
  readonly close: () => void;
}

/**
 * Both SDKs let the environment add headers (`OPENAI_CUSTOM_HEADERS`), and tell of the machine:
 * these headers are sent and no others.
 */
const HEADERS = [
  'accept',
  'authorization',
  'x-api-key',
  'content-type',
  'user-agent',
  'anthropic-version',
  'anthropic-beta',
];

/** A refusal is read up to here, in characters. */
const MOST_REFUSAL = 20_000;

/** @param signal aborting it ends the exchange at once */
export function openCall(signal: AbortSignal, limits: CallLimits): HttpCall {
  const own = new AbortController();
  const either = AbortSignal.any([signal, own.signal]);
  let timer: NodeJS.Timeout | undefined;
  let timedOut = false;
  let responded = false;
  let refusal: Refusal | undefined;

  const giveUp = (): void => {
    timedOut = true;
    own.abort();
  };
  const wait = (ms: number): void => {
    clearTimeout(timer);
    if (!own.signal.aborted) timer = setTimeout(giveUp, ms);
  };
  const whole = setTimeout(giveUp, limits.totalMs);

  return {
    signal: either,
    async fetch(url, init = {}) {
      wait(limits.firstByteMs);
      const given = new Headers(init.headers);
      const headers = new Headers();
      for (const name of HEADERS) {
        const value = given.get(name);
        if (value !== null) headers.set(name, value);
      }
      // A redirect would carry the key to another host.
      const response = await fetch(url, { ...init, headers, redirect: 'error', signal: either });
      responded = true;
      wait(limits.silenceMs);
      const { status, body } = response;
      if (!response.ok) {
        const text = (await response.text()).slice(0, MOST_REFUSAL);
        refusal = { status, headers: response.headers, text };
        return new Response(text, { status, headers: { 'content-type': 'application/json' } });
      }
      if (body === null) return response;
      const watched = body.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform(piece, controller) {
            wait(limits.silenceMs);
            controller.enqueue(piece);
          },
        }),
      );
      return new Response(watched, { status, headers: response.headers });
    },
    state: () => ({ responded, timedOut, refusal }),
    close() {
      clearTimeout(timer);
      clearTimeout(whole);
      own.abort();
    },
  };
}
