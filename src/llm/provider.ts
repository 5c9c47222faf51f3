/** The port of a provider of language models. */

import type { Secret } from '../secret.ts';

/** Ids of the catalogue; `offline` is the built-in one that needs no network and no key. */
export type ProviderId =
  | 'openai'
  | 'anthropic'
  | 'openrouter'
  | 'groq'
  | 'gemini'
  | 'xai'
  | 'deepseek'
  | 'mistral'
  | 'offline';

export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly mediaType: string; readonly data: Uint8Array };

export interface ModelMessage {
  readonly role: 'user' | 'assistant';
  readonly content: readonly ContentPart[];
}

export interface Completion {
  readonly apiKey: Secret;
  readonly model: string;
  /** Latchkey's own words only: nothing that a user wrote. */
  readonly system: string;
  /** Oldest first; begins with a user's message. */
  readonly messages: readonly ModelMessage[];
  /** Visible and reasoning tokens together. */
  readonly maxOutputTokens: number;
  /** A stable pseudonym of the user, for the provider's abuse detection; not for own keys. */
  readonly safetyIdentifier?: string;
  /** Aborting it ends the request to the provider at once. */
  readonly signal: AbortSignal;
}

/** Tokens, as the provider counted them; NaN: it did not. */
export interface Usage {
  /** All input tokens, cached ones included. */
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  /** Tokens written to the provider's cache (Anthropic). */
  readonly cacheWriteTokens: number;
  /** All output tokens, reasoning included. */
  readonly outputTokens: number;
}

export type CompletionEvent =
  /** The model works and has said nothing new (reasoning, keep-alive). */
  | { readonly type: 'thinking' }
  | { readonly type: 'text'; readonly text: string }
  /** May come more than once: the newest holds. Before an error, it is what is known by then. */
  | { readonly type: 'usage'; readonly usage: Usage }
  | { readonly type: 'end'; readonly reason: 'complete' | 'length' | 'refusal' };

export interface ModelInfo {
  readonly id: string;
  /** For people, where the provider gives one. */
  readonly name?: string;
}

export type KeyCheck =
  | { readonly result: 'valid' }
  /** Restricted: it may not list models; kept, and the catalogue's models are offered. */
  | { readonly result: 'limited' }
  | { readonly result: 'invalid' }
  /** The provider did not answer, or answered with an error of its own. */
  | { readonly result: 'unknown' };

export interface Provider {
  readonly id: ProviderId;
  /**
   * Streams one answer. Ends with an `end` event unless it throws.
   * @throws ProviderError; what was yielded before stays valid
   */
  complete(completion: Completion): AsyncIterable<CompletionEvent>;
  /** The models for text that this key may use, newest first. @throws ProviderError */
  listModels(apiKey: Secret, signal: AbortSignal): Promise<readonly ModelInfo[]>;
  /** Asks the provider, free of charge, whether it takes this key. Never throws. */
  checkKey(apiKey: Secret, signal: AbortSignal): Promise<KeyCheck>;
}

export type ProviderErrorCode =
  | 'key-refused'
  | 'no-permission'
  | 'no-credit'
  | 'rate-limited'
  | 'overloaded'
  | 'context-too-long'
  | 'refused-by-policy'
  | 'model-not-found'
  | 'bad-request'
  | 'connection-broken'
  | 'no-answer'
  | 'aborted';

/** Failures of the key or its account: they are its owner's to mend, and the next call meets them too. */
export const KEY_FAILURES: ReadonlySet<ProviderErrorCode> = new Set([
  'key-refused',
  'no-permission',
  'no-credit',
  'model-not-found',
]);

/** What went wrong with a provider. Carries neither its words, nor the request, nor a cause: all three may hold a key. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  readonly code: ProviderErrorCode;
  /** HTTP status, or 0 where none came. */
  readonly status: number;
  /** In milliseconds, where the provider said when to try again. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ProviderErrorCode, status = 0, retryAfterMs?: number) {
    super(status === 0 ? code : `${code} (HTTP ${status})`);
    this.code = code;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same request may succeed shortly. */
  get retryable(): boolean {
    return (
      this.code === 'rate-limited' ||
      this.code === 'overloaded' ||
      this.code === 'connection-broken' ||
      this.code === 'no-answer'
    );
  }
}
