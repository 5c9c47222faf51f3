/** How a simulated provider answers one request, and which keys it knows. */

import { randomBytes } from 'node:crypto';
import type { RecordedRequest } from './http.ts';

/** Each is answered in the shape in which the real provider answers it. */
export type Failure =
  | 'key-refused'
  | 'no-permission'
  | 'no-credit'
  | 'rate-limited'
  | 'overloaded'
  | 'server-error'
  | 'context-too-long'
  | 'policy'
  | 'model-gone'
  | 'bad-request'
  | 'html';

export interface FakeUsage {
  readonly input: number;
  readonly cached?: number;
  readonly cacheWrite?: number;
  readonly output: number;
}

export interface Behaviour {
  /** What is answered, in Markdown; by default a short text that names the question. */
  readonly text?: string;
  /** Between two chunks (words); 0: as fast as the socket takes them. */
  readonly chunkDelayMs?: number;
  /** The whole text in one chunk. */
  readonly atOnce?: boolean;
  /** Before the status line. */
  readonly delayMs?: number;
  /** After the headers and before the first text: a model that reasons in silence. */
  readonly silenceMs?: number;
  /** Chunks of reasoning before the text. */
  readonly reasoning?: number;
  /** Takes the request and never answers. */
  readonly hang?: boolean;
  /** Says nothing more after so many chunks, and keeps the connection. */
  readonly hangAfter?: number;
  /** Destroys the connection after so many chunks. */
  readonly breakAfter?: number;
  /** Ends the stream in good order after so many chunks, without its end marker. */
  readonly truncateAfter?: number;
  /** Sends broken JSON after so many chunks. */
  readonly garbageAfter?: number;
  /** Sends an error event after so many chunks. */
  readonly errorAfter?: {
    readonly chunks: number;
    readonly error: 'overloaded' | 'server-error' | 'rate-limited';
  };
  /** Refuses the request. */
  readonly fail?: Failure;
  /** In seconds, or a whole header value; for `rate-limited` and `overloaded`. */
  readonly retryAfter?: number | string;
  /** Any answer that no `fail` knows. */
  readonly raw?: {
    readonly status: number;
    readonly body: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  /** `none`: the stream tells no usage. */
  readonly usage?: FakeUsage | 'none';
  readonly finish?: 'complete' | 'length' | 'refusal';
}

/** Called for each completion with the text of the last message of the user. */
export type Script = (question: string, request: RecordedRequest) => Behaviour | string;

export type KeyState =
  | 'valid'
  | 'revoked'
  /** May complete and may not list models. */
  | 'limited'
  | 'no-credit'
  | { readonly rateLimitedForSeconds: number };

/** The keys that a simulated provider knows; put together at run time, so that no scanner finds one. */
export class KeyBook {
  readonly #states = new Map<string, KeyState>();
  readonly #make: () => string;

  constructor(make: () => string) {
    this.#make = make;
  }

  add(state: KeyState = 'valid', key: string = this.#make()): string {
    this.#states.set(key, state);
    return key;
  }

  set(key: string, state: KeyState): void {
    this.#states.set(key, state);
  }

  remove(key: string): void {
    this.#states.delete(key);
  }

  state(key: string | undefined): KeyState | 'unknown' {
    return (key === undefined ? undefined : this.#states.get(key)) ?? 'unknown';
  }
}

export function randomText(length: number): string {
  return randomBytes(length).toString('hex').slice(0, length);
}

/** The scripted behaviours, first in first out; then the standing script; then the default. */
export class Scripts {
  readonly #next: Behaviour[] = [];
  #standing: Script = () => ({});
  #defaults: Behaviour;

  constructor(defaults: Behaviour) {
    this.#defaults = defaults;
  }

  /** A list is used up one a request; a function stays. */
  script(behaviours: readonly Behaviour[] | Script): void {
    if (typeof behaviours === 'function') this.#standing = behaviours;
    else this.#next.push(...behaviours);
  }

  take(question: string, request: RecordedRequest): Behaviour & { readonly text: string } {
    const scripted = this.#next.shift() ?? this.#standing(question, request);
    const behaviour = typeof scripted === 'string' ? { text: scripted } : scripted;
    return { text: defaultAnswer(question), ...this.#defaults, ...behaviour };
  }
}

function defaultAnswer(question: string): string {
  const quoted = question.replace(/\s+/g, ' ').slice(0, 60);
  return `You asked: **${quoted}**\n\n\`\`\`js\nconsole.log('hello');\n\`\`\`\n\nThat is all.`;
}

/** In words with the white space before them, as models stream. */
export function chunksOf(text: string, atOnce: boolean): string[] {
  if (atOnce) return text === '' ? [] : [text];
  return text.match(/\s*\S+|\s+$/g) ?? [];
}

/** How many requests ran at once, for all and for each of the names under which they are counted. */
export class ConcurrencyCounter {
  readonly #now = new Map<string, number>();
  readonly #most = new Map<string, number>();

  enter(name: string): () => void {
    const count = (this.#now.get(name) ?? 0) + 1;
    this.#now.set(name, count);
    this.#most.set(name, Math.max(count, this.#most.get(name) ?? 0));
    return () => this.#now.set(name, (this.#now.get(name) ?? 1) - 1);
  }

  most(name: string): number {
    return this.#most.get(name) ?? 0;
  }
}
