/** OpenAI's SDK, bent so that it takes nothing from the environment, retries nothing and logs nothing. */

import type OpenAI from 'openai';
import type { Secret } from '../secret.ts';
import type { HttpCall } from './http-call.ts';

/** Our own limits end a call (`http-call.ts`); the SDK's is put out of the way. In milliseconds. */
export const SDK_TIMEOUT_MS = 3_600_000;

/**
 * A client for one call, to be thrown away: a client that is kept keeps the key in memory.
 * The SDK takes 35 MB and 0.3 s, so it is loaded by the first call that needs it.
 */
export async function openAiClient(
  apiKey: Secret,
  baseURL: string,
  call: HttpCall,
): Promise<OpenAI> {
  const { default: Client } = await import('openai');
  return new Client({
    apiKey: apiKey.reveal(),
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    baseURL,
    fetch: call.fetch,
    maxRetries: 0,
    timeout: SDK_TIMEOUT_MS,
    logLevel: 'off',
  });
}
