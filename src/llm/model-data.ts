/** What the price data of `@pydantic/genai-prices` knows of a model. It is bundled: nothing is fetched. */

import { calcPrice, type ModelPrice } from '@pydantic/genai-prices';
import type { ProviderId } from './provider.ts';

export interface ModelData {
  readonly prices: ModelPrice;
  /** In tokens. */
  readonly contextWindow: number | undefined;
}

/** The data's own names of providers. */
const PROVIDER_NAMES: { readonly [Id in ProviderId]?: string } = {
  openai: 'openai',
  anthropic: 'anthropic',
  openrouter: 'openrouter',
  groq: 'groq',
  gemini: 'google',
  xai: 'x-ai',
  deepseek: 'deepseek',
  mistral: 'mistral',
};

/**
 * @param at prices change with the date, and DeepSeek's with the time of day
 * @returns undefined for a model that the data does not have, as newer ones often are
 */
export function modelData(provider: ProviderId, model: string, at: Date): ModelData | undefined {
  const providerId = PROVIDER_NAMES[provider];
  if (providerId === undefined) return undefined;
  try {
    const found = calcPrice({}, model, { providerId, timestamp: at });
    if (found === null) return undefined;
    return { prices: found.model_price, contextWindow: found.model.context_window };
  } catch {
    // It throws for usage that a price does not cover; no model needs that to be known.
    return undefined;
  }
}
