/** What went wrong with a provider, told apart by what its user can do next. */

import { parseJson } from '../parse-json.ts';
import type { HttpCall, Refusal } from './http-call.ts';
import { ProviderError, type ProviderErrorCode } from './provider.ts';

/** The words of an error, in whatever place a provider puts them. */
interface Words {
  /** Codes and types, lower case, joined by spaces. */
  readonly codes: string;
  /** The message, lower case. */
  readonly message: string;
  readonly isJson: boolean;
  /** A page for people, of something between us and the provider: it says nothing about the key. */
  readonly isPage: boolean;
}

/** No provider asks to wait longer, in milliseconds. */
const MOST_RETRY_AFTER_MS = 24 * 60 * 60 * 1000;

/**
 * The error of a call that threw, as one of ours: without cause, and without anybody's words.
 * @param thrown what the SDK threw; its text is only read to tell errors in the stream apart
 * @param signal the caller's
 */
export function toProviderError(
  thrown: unknown,
  call: HttpCall,
  signal: AbortSignal,
): ProviderError {
  // These come first: the SDKs end a stream in silence when its request is aborted.
  if (signal.aborted) return new ProviderError('aborted');
  const { timedOut, responded, refusal } = call.state();
  if (refusal !== undefined) return refusalError(refusal);
  if (timedOut || !responded) return new ProviderError('no-answer');
  if (thrown instanceof ProviderError) return thrown;
  return streamError(thrown);
}

export function refusalError({ status, headers, text }: Refusal): ProviderError {
  const words = wordsOf(parseJson(text), text);
  return new ProviderError(classify(status, words), status, retryAfterMs(headers, text));
}

/** An error that came as an event in the middle of a stream, or a stream that makes no sense. */
export function streamError(thrown: unknown): ProviderError {
  // An error of the SDK's carries what the event said; any other tells of a broken connection or of
  // JSON that makes no sense, and may quote it.
  const payload = thrown instanceof Error ? (thrown as { readonly error?: unknown }).error : thrown;
  if (!isRecord(payload)) return new ProviderError('connection-broken');
  const words = wordsOf(payload, '');
  if (words.codes === '' && words.message === '') return new ProviderError('connection-broken');
  return new ProviderError(classify(statusOf(payload), words));
}

/** @returns 0 where an error has none */
function statusOf({ code, status }: Readonly<Record<string, unknown>>): number {
  for (const value of [code, status]) {
    if (typeof value !== 'number' && typeof value !== 'string') continue;
    const number = Number(value);
    if (Number.isInteger(number) && number >= 400) return number;
  }
  return 0;
}

/** What to change about a request so that the provider may take it. */
export type Remedy =
  /** The model answers on the Responses API only. */
  | 'responses'
  /** Streaming needs an organization that OpenAI has verified. */
  | 'no-streaming'
  /** The endpoint limits the output by the other parameter. */
  | 'other-limit'
  /** The endpoint does not know OpenAI's newer parameters. */
  | 'fewer-parameters';

export function remedyFor({ status, text }: Refusal): Remedy | undefined {
  if (status !== 400 && status !== 404 && status !== 422) return undefined;
  // In the whole text, since servers built on FastAPI name the parameter in a list of places.
  const message = text.toLowerCase();
  if (/only supported in v1\/responses|use the responses api/.test(message)) return 'responses';
  if (/verified to stream/.test(message)) return 'no-streaming';
  if (!/unsupported|unrecogni[sz]ed|unknown|not permitted|not supported|extra/.test(message)) {
    return undefined;
  }
  if (/max_tokens|max_completion_tokens/.test(message)) return 'other-limit';
  if (/safety_identifier|stream_options|\bstore\b/.test(message)) return 'fewer-parameters';
  return undefined;
}

/**
 * The most output that a model allows, in tokens, where that is why it refused:
 * "max_tokens: 8192 > 4096, which is the maximum …".
 */
export function allowedOutput({ status, text }: Refusal, asked: number): number | undefined {
  if (status !== 400 && status !== 422) return undefined;
  const { message } = wordsOf(parseJson(text), text);
  if (!/max_(?:completion_|output_)?tokens/.test(message)) return undefined;
  const numbers = [...message.matchAll(/(?<![-\w.])\d{3,6}\b/g)].map(([digits]) => Number(digits));
  const least = Math.min(...numbers);
  return least < asked && least >= 256 ? least : undefined;
}

/** Whether a refused key is good and merely not allowed to do this. */
export function saysMissingScopes({ text }: Refusal): boolean {
  return MISSING_SCOPES.test(text.toLowerCase());
}

const MISSING_SCOPES = /missing scopes?|insufficient permissions/;
const TOO_LONG =
  /context_length_exceeded|string_above_max_length|request_too_large|prompt is too long|maximum context length|maximum prompt length|context (?:window|limit|length)|(?:input|request|prompt).{0,40}too (?:long|large)|too many (?:input )?tokens|input token count.{0,40}exceeds|reduce the length|reduce your message size/;
const NO_CREDIT =
  /insufficient_quota|insufficient_balance|billing_hard_limit|billing_not_active|blocked_api_access|credit balance|insufficient (?:balance|credits?|funds|quota)|used all (?:available|your) credits|spending limit|(?:more|purchase|add|out of) credits|key limit exceeded/;
const POLICY =
  /content_policy|content_filter|content_moderation|invalid_prompt|content filter|content policy|usage polic|safety system|flagged|prohibited|cyber_policy/;
const BAD_KEY =
  /invalid_api_key|api_key_invalid|authentication_error|account_deactivated|(?:incorrect|invalid|malformed|wrong|expired|disabled|revoked) (?:x-)?api[ -]key|api key (?:not valid|not found|expired|is invalid|was reported)|user not found/;
const NO_MODEL =
  /model_not_found|model_decommissioned|model_not_available|invalid_model|model.{0,90}(?:does ?n[o']t exist|not exist|not found|decommissioned|deprecated|no longer|has been retired|not available)|(?:invalid|unknown|no such) model|not a valid model|no endpoints found|^model: /;
const NEEDS_VERIFICATION = /must be verified to use/;

function classify(status: number, { codes, message, isJson, isPage }: Words): ProviderErrorCode {
  const all = `${codes} ${message}`;
  // Too big for the rate of tokens is too big tomorrow as well.
  const tooBigForRate = /request too large/.test(message);
  if (status === 413 || tooBigForRate) return 'context-too-long';
  if (status >= 500 || status === 408 || status === 409 || status === 425) return 'overloaded';
  if (isPage && status !== 429) return 'bad-request';
  if (status === 402) return 'no-credit';
  if (status === 410) return 'model-not-found';
  if (status === 429) {
    // Google words its plain rate limit as a quota that depends on billing.
    return NO_CREDIT.test(all) && !/resource_exhausted/.test(codes) ? 'no-credit' : 'rate-limited';
  }
  if (NO_CREDIT.test(all)) return 'no-credit';
  if (status === 401) return MISSING_SCOPES.test(all) ? 'no-permission' : 'key-refused';
  if (BAD_KEY.test(all)) return 'key-refused';
  if (TOO_LONG.test(all)) return 'context-too-long';
  if (POLICY.test(all)) return 'refused-by-policy';
  if (status === 403 || NEEDS_VERIFICATION.test(message)) return 'no-permission';
  if (NO_MODEL.test(message) || /model_/.test(codes)) return 'model-not-found';
  if (status === 404) return isJson && /model/.test(message) ? 'model-not-found' : 'bad-request';
  if (status >= 400) return 'bad-request';
  // Without a status: an event in the stream.
  if (/rate_limit/.test(codes)) return 'rate-limited';
  if (/overloaded|server_error|api_error|unavailable|timeout/.test(codes)) return 'overloaded';
  return 'connection-broken';
}

/** `retry-after-ms`, `retry-after` in seconds or as a date, or Google's `retryDelay` in the body. */
function retryAfterMs(headers: Headers, text: string): number | undefined {
  const exact = headers.get('retry-after-ms');
  const header = headers.get('retry-after');
  const inBody = /"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"/.exec(text)?.[1];
  const ms = numberOf(exact) ?? secondsOf(header) ?? dateOf(header) ?? secondsOf(inBody ?? null);
  if (ms === undefined) return undefined;
  return Math.min(Math.max(0, Math.ceil(ms)), MOST_RETRY_AFTER_MS);
}

function numberOf(text: string | null): number | undefined {
  if (text === null || !/^\s*\d+(?:\.\d+)?\s*$/.test(text)) return undefined;
  return Number(text);
}

function secondsOf(text: string | null): number | undefined {
  const seconds = numberOf(text);
  return seconds === undefined ? undefined : seconds * 1000;
}

function dateOf(text: string | null): number | undefined {
  const at = text === null ? Number.NaN : Date.parse(text);
  return Number.isNaN(at) ? undefined : at - Date.now();
}

/** Finds the words in `{error: {…}}`, `{error: "…"}`, `{message}`, `[{error}]` and what is inside. */
function wordsOf(json: unknown, text: string): Words {
  if (!isRecord(json) && !Array.isArray(json)) {
    const isPage = /^\s*</.test(text);
    return { codes: '', message: isPage ? '' : text.toLowerCase(), isJson: false, isPage };
  }
  const codes: string[] = [];
  const messages: string[] = [];
  const visit = (value: unknown, depth: number): void => {
    if (typeof value === 'string') messages.push(value);
    if (Array.isArray(value)) visit(value[0], depth);
    if (!isRecord(value) || depth > 3) return;
    for (const name of ['code', 'type', 'status', 'reason']) {
      if (typeof value[name] === 'string') codes.push(value[name]);
    }
    visit(value.message ?? value.detail, depth + 1);
    visit(value.error, depth + 1);
    // Google says there why: `{reason: 'API_KEY_INVALID'}`.
    if (Array.isArray(value.details)) visit(value.details[0], depth + 1);
  };
  visit(json, 0);
  return {
    codes: codes.join(' ').toLowerCase(),
    message: messages.join(' ').toLowerCase(),
    isJson: true,
    isPage: false,
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
