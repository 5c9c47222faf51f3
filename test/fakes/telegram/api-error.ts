/** Refusals, in the words of Telegram's Bot API server. */

import type { ResponseParameters } from 'grammy/types';

export class BotApiError extends Error {
  override readonly name = 'BotApiError';
  /** `error_code`, and the HTTP status. */
  readonly code: number;
  readonly parameters: ResponseParameters | undefined;

  constructor(code: number, description: string, parameters?: ResponseParameters) {
    super(description);
    this.code = code;
    this.parameters = parameters;
  }
}

/**
 * The server begins the reason of a refusal in lower case, unless it is a code in capitals
 * (`MESSAGE_TOO_LONG`).
 */
function reason(text: string): string {
  return /^.[A-Z_]/.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1);
}

export function badRequest(text: string, parameters?: ResponseParameters): BotApiError {
  return new BotApiError(400, `Bad Request: ${reason(text)}`, parameters);
}

export function forbidden(text: string): BotApiError {
  return new BotApiError(403, `Forbidden: ${reason(text)}`);
}

export function conflict(text: string): BotApiError {
  return new BotApiError(409, `Conflict: ${text}`);
}

/** @param seconds until the request may be repeated */
export function tooManyRequests(seconds: number): BotApiError {
  return new BotApiError(429, `Too Many Requests: retry after ${seconds}`, {
    retry_after: seconds,
  });
}
