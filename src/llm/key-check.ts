/** Asks a provider, free of charge, whether it takes a key. */

import { z } from 'zod';
import { refusalError, saysMissingScopes } from './errors.ts';
import { type CallLimits, type HttpCall, openCall } from './http-call.ts';
import type { KeyCheck } from './provider.ts';

/** xAI tells of a key that it knows and does not serve. */
const stateSchema = z.object({
  api_key_blocked: z.boolean().optional(),
  api_key_disabled: z.boolean().optional(),
});

/** @param ask one request through the provider's SDK; resolves with the parsed body */
export async function checkKey(
  signal: AbortSignal,
  limits: CallLimits,
  ask: (call: HttpCall) => Promise<unknown>,
): Promise<KeyCheck> {
  const call = openCall(signal, limits);
  try {
    const state = stateSchema.safeParse(await ask(call));
    const dead =
      state.success &&
      (state.data.api_key_blocked === true || state.data.api_key_disabled === true);
    return { result: dead ? 'invalid' : 'valid' };
  } catch {
    return { result: resultOf(call) };
  } finally {
    call.close();
  }
}

function resultOf(call: HttpCall): KeyCheck['result'] {
  const { refusal } = call.state();
  if (refusal === undefined) return 'unknown';
  const { code } = refusalError(refusal);
  // The key is good; its account has no money.
  if (code === 'no-credit') return 'valid';
  // An error page of something in between says nothing about the key.
  if (!/^\s*[[{]/.test(refusal.text)) return 'unknown';
  if (code === 'no-permission') {
    const elsewhere = /unsupported_country|not supported in your|location is not supported/i;
    return elsewhere.test(refusal.text) ? 'unknown' : 'limited';
  }
  if (code === 'key-refused') return saysMissingScopes(refusal) ? 'limited' : 'invalid';
  return 'unknown';
}
