/** What goes wrong because a test wants it to. */

import { DiscordRefusal } from './refusal.ts';
import type { FaultRule, RecordedCall } from './types.ts';

export class Faults {
  #rules: { readonly rule: FaultRule; left: number }[] = [];

  add(rule: FaultRule): void {
    this.#rules.push({ rule, left: rule.times ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#rules = [];
  }

  /** The first rule that fits, counted as used. */
  next(call: RecordedCall): FaultRule | undefined {
    const hit = this.#rules.find(
      ({ rule, left }) => left > 0 && names(rule, call.route) && (rule.when?.(call) ?? true),
    );
    if (hit === undefined) return undefined;
    hit.left -= 1;
    return hit.rule;
  }
}

/** What the rule answers with; undefined where it lets the work be done. */
export function refusalOf(rule: FaultRule): DiscordRefusal | undefined {
  if (rule.retryAfter !== undefined) return limited(rule.retryAfter, rule.scope ?? 'user');
  const refuses = rule.status !== undefined || rule.code !== undefined;
  const other = rule.slowMs ?? rule.hang ?? rule.dropAfter ?? rule.dropBefore;
  if (!refuses && other !== undefined) return undefined;
  const status = rule.status ?? (rule.code === undefined ? 500 : 400);
  const message = rule.message ?? `${status}: ${status >= 500 ? 'Internal Server Error' : 'Error'}`;
  return new DiscordRefusal(status, rule.code ?? 0, message);
}

/** @param seconds until the request may be repeated */
export function limited(
  seconds: number,
  scope: 'global' | 'shared' | 'user',
  headers: Readonly<Record<string, string>> = {},
): DiscordRefusal {
  const global = scope === 'global';
  return new DiscordRefusal(429, 0, 'You are being rate limited.', {
    more: { retry_after: seconds, global },
    headers: {
      'retry-after': String(Math.ceil(seconds)),
      'x-ratelimit-scope': scope,
      ...(global ? { 'x-ratelimit-global': 'true' } : {}),
      via: '1.1 google',
      ...headers,
    },
  });
}

function names({ route }: FaultRule, called: string): boolean {
  return typeof route === 'string' ? route === called : called.search(route) >= 0;
}
