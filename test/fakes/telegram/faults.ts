/** What goes wrong because a test wants it to. */

import { BotApiError, tooManyRequests } from './api-error.ts';
import type { FaultRule } from './types.ts';

export type Fault =
  | { readonly kind: 'hang' }
  | { readonly kind: 'dropBefore' }
  | { readonly kind: 'dropAfter' }
  | { readonly kind: 'refuse'; readonly error: BotApiError };

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden: bot was blocked by the user',
  404: 'Not Found',
  409: 'Conflict: terminated by other getUpdates request',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  504: 'Gateway Timeout',
};

export class Faults {
  #rules: { readonly rule: FaultRule; left: number }[] = [];

  add(rule: FaultRule): void {
    this.#rules.push({ rule, left: rule.times ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#rules = [];
  }

  /** The first rule that fits, counted as used. */
  next(method: string, payload: Readonly<Record<string, unknown>>): Fault | undefined {
    const hit = this.#rules.find(
      ({ rule, left }) => left > 0 && names(rule, method) && (rule.when?.(payload) ?? true),
    );
    if (hit === undefined) return undefined;
    hit.left -= 1;
    return toFault(hit.rule);
  }
}

function names({ method }: FaultRule, called: string): boolean {
  if (typeof method === 'string') return method.toLowerCase() === called.toLowerCase();
  return called.search(method) >= 0;
}

function toFault(rule: FaultRule): Fault {
  if (rule.hang === true) return { kind: 'hang' };
  if (rule.dropBefore === true) return { kind: 'dropBefore' };
  if (rule.dropAfter === true) return { kind: 'dropAfter' };
  if (rule.retryAfter !== undefined) {
    return { kind: 'refuse', error: tooManyRequests(rule.retryAfter) };
  }
  const status = rule.status ?? 500;
  const description = rule.description ?? DESCRIPTIONS[status] ?? 'Internal Server Error';
  return { kind: 'refuse', error: new BotApiError(status, description) };
}
