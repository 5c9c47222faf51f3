/** Every provider that Latchkey knows, in one table. */

import type { ProviderId } from './provider.ts';

/** A provider that is reached over the network with a key. */
export type RemoteProviderId = Exclude<ProviderId, 'offline'>;

export interface KeyPattern {
  /** Source of a regular expression for the whole key. Formats are the providers' own and change. */
  readonly source: string;
  /** Too plain to be recognised by itself: taken only where the user named the provider. */
  readonly guidedOnly?: true;
}

/** What is true of every entry, also of the built-in provider. */
export interface CatalogueEntry {
  readonly id: ProviderId;
  /** For people. */
  readonly name: string;
  /** Offered where the live list can't be read, best known first. */
  readonly suggestedModels: readonly string[];
  /** For a user's own key, until they choose another. */
  readonly defaultModel: string;
}

export interface RemoteEntry extends CatalogueEntry {
  readonly id: RemoteProviderId;
  readonly api: 'openai' | 'anthropic';
  /** What the SDK adds its paths to; `OPENAI_BASE_URL` and `ANTHROPIC_BASE_URL` may replace it. */
  readonly baseUrl: string;
  /** Where one gets a key. */
  readonly keyPage: string;
  /** Where one sets a spending limit. */
  readonly limitPage?: string;
  readonly keyPatterns: readonly KeyPattern[];
  /** Below the base URL: what is asked, free of charge, to check a key. */
  readonly keyCheckPath: string;
  /** Which parameter of Chat Completions limits the output. */
  readonly outputLimit: 'max_tokens' | 'max_completion_tokens';
  /** Whether Chat Completions tells usage in a stream only where `stream_options` ask for it. */
  readonly usage: 'asked' | 'unasked';
  /** Sends no headers before the model's first token, so that thinking looks like silence. */
  readonly lateHeaders?: true;
  /** Models that see images. */
  readonly seesImages: RegExp;
  /** Assumed for a model that the price data does not know, in tokens. */
  readonly contextWindow: number;
}

const NONE = /(?!)/;
const OPENAI_SEES = /^(?!gpt-3|gpt-4$|gpt-4-0|gpt-oss|o1-mini|o3-mini)/;
const CLAUDE_SEES = /^(?!claude-(2|instant|v1))/;

const REMOTE: { readonly [Id in RemoteProviderId]: RemoteEntry & { readonly id: Id } } = {
  openai: {
    id: 'openai',
    name: 'OpenAI',
    api: 'openai',
    baseUrl: 'https://api.openai.com/v1',
    keyPage: 'https://platform.openai.com/api-keys',
    limitPage: 'https://platform.openai.com/settings/organization/limits',
    keyPatterns: [
      { source: 'sk-(?:proj|svcacct|service)-[\\w-]{20,256}' },
      { source: 'sk-[A-Za-z0-9]{20,64}T3BlbkFJ[A-Za-z0-9]{20,64}' },
    ],
    keyCheckPath: '/models',
    suggestedModels: ['gpt-5.6-terra', 'gpt-6-sol', 'gpt-5.6-luna', 'gpt-5.4-mini'],
    defaultModel: 'gpt-5.6-terra',
    outputLimit: 'max_completion_tokens',
    usage: 'asked',
    seesImages: OPENAI_SEES,
    contextWindow: 128_000,
  },
  anthropic: {
    id: 'anthropic',
    name: 'Anthropic',
    api: 'anthropic',
    baseUrl: 'https://api.anthropic.com',
    keyPage: 'https://platform.claude.com/settings/keys',
    limitPage: 'https://platform.claude.com/settings/limits',
    keyPatterns: [{ source: 'sk-ant-api\\d{2}-[\\w-]{90,128}' }],
    keyCheckPath: '/v1/models',
    suggestedModels: ['claude-sonnet-5', 'claude-opus-5-5', 'claude-haiku-4-5'],
    defaultModel: 'claude-sonnet-5',
    outputLimit: 'max_tokens',
    usage: 'asked',
    seesImages: CLAUDE_SEES,
    contextWindow: 200_000,
  },
  openrouter: {
    id: 'openrouter',
    name: 'OpenRouter',
    api: 'openai',
    baseUrl: 'https://openrouter.ai/api/v1',
    keyPage: 'https://openrouter.ai/settings/keys',
    limitPage: 'https://openrouter.ai/settings/keys',
    keyPatterns: [{ source: 'sk-or-v1-[0-9a-f]{64}' }],
    keyCheckPath: '/key',
    suggestedModels: ['openai/gpt-5.6-terra', 'anthropic/claude-sonnet-5', 'openai/gpt-5.4-mini'],
    defaultModel: 'openai/gpt-5.4-mini',
    outputLimit: 'max_tokens',
    usage: 'asked',
    seesImages: NONE,
    contextWindow: 32_000,
  },
  groq: {
    id: 'groq',
    name: 'Groq',
    api: 'openai',
    baseUrl: 'https://api.groq.com/openai/v1',
    keyPage: 'https://console.groq.com/keys',
    limitPage: 'https://console.groq.com/settings/billing/limits',
    keyPatterns: [{ source: 'gsk_[A-Za-z0-9]{52}' }],
    keyCheckPath: '/models',
    suggestedModels: ['openai/gpt-oss-120b', 'openai/gpt-oss-20b', 'llama-3.3-70b-versatile'],
    defaultModel: 'openai/gpt-oss-120b',
    outputLimit: 'max_completion_tokens',
    usage: 'asked',
    seesImages: /llama-4|vision/,
    contextWindow: 32_000,
  },
  gemini: {
    id: 'gemini',
    name: 'Google Gemini',
    api: 'openai',
    baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai',
    keyPage: 'https://aistudio.google.com/apikey',
    limitPage: 'https://console.cloud.google.com/billing/budgets',
    keyPatterns: [{ source: 'AIza[\\w-]{35}' }, { source: 'AQ\\.[\\w-]{40,256}' }],
    keyCheckPath: '/models',
    suggestedModels: ['gemini-3.8-flash', 'gemini-3.1-pro-preview', 'gemini-3.5-flash-lite'],
    defaultModel: 'gemini-3.8-flash',
    outputLimit: 'max_tokens',
    usage: 'asked',
    lateHeaders: true,
    seesImages: /^gemini|^gemma-[34]/,
    contextWindow: 128_000,
  },
  xai: {
    id: 'xai',
    name: 'xAI',
    api: 'openai',
    baseUrl: 'https://api.x.ai/v1',
    keyPage: 'https://console.x.ai',
    limitPage: 'https://console.x.ai',
    keyPatterns: [{ source: 'xai-[0-9A-Za-z_]{80}' }],
    keyCheckPath: '/api-key',
    suggestedModels: ['grok-4.6', 'grok-4.3', 'grok-build-0.1'],
    defaultModel: 'grok-4.3',
    outputLimit: 'max_completion_tokens',
    usage: 'asked',
    seesImages: /^grok-(?:[4-9]|\d\d)|vision/,
    contextWindow: 128_000,
  },
  deepseek: {
    id: 'deepseek',
    name: 'DeepSeek',
    api: 'openai',
    baseUrl: 'https://api.deepseek.com',
    keyPage: 'https://platform.deepseek.com/api_keys',
    keyPatterns: [{ source: 'sk-[a-z0-9]{32}', guidedOnly: true }],
    keyCheckPath: '/user/balance',
    suggestedModels: ['deepseek-v4-flash', 'deepseek-v4-pro'],
    defaultModel: 'deepseek-v4-flash',
    outputLimit: 'max_tokens',
    usage: 'asked',
    seesImages: NONE,
    contextWindow: 64_000,
  },
  mistral: {
    id: 'mistral',
    name: 'Mistral',
    api: 'openai',
    baseUrl: 'https://api.mistral.ai/v1',
    keyPage: 'https://console.mistral.ai/api-keys',
    limitPage: 'https://admin.mistral.ai/plateforme/limits',
    keyPatterns: [{ source: '[A-Za-z0-9]{32}', guidedOnly: true }],
    keyCheckPath: '/models',
    suggestedModels: ['mistral-large-latest', 'codestral-latest', 'mistral-small-latest'],
    defaultModel: 'mistral-large-latest',
    outputLimit: 'max_tokens',
    // It refuses `stream_options` and tells usage all the same.
    usage: 'unasked',
    seesImages: /^(?:pixtral|mistral-(?:small|medium|large)|ministral)/,
    contextWindow: 32_000,
  },
};

/** Answers by itself where there is no provider to ask. */
const OFFLINE: CatalogueEntry & { readonly id: 'offline' } = {
  id: 'offline',
  name: 'Offline',
  suggestedModels: ['parrot'],
  defaultModel: 'parrot',
};

/** In the order in which they are offered. */
export const remoteProviders: readonly RemoteEntry[] = Object.values(REMOTE);

export function providerEntry(id: RemoteProviderId): RemoteEntry;
export function providerEntry(id: ProviderId): CatalogueEntry;
export function providerEntry(id: ProviderId): CatalogueEntry {
  return id === 'offline' ? OFFLINE : REMOTE[id];
}

/** Whether there is a provider of this id that takes keys: not so for `offline`. */
export function isProviderId(id: string): id is RemoteProviderId {
  return Object.hasOwn(REMOTE, id);
}

export function defaultModel(id: ProviderId): string {
  return providerEntry(id).defaultModel;
}

/** Whether images may be sent to a model. An aggregator's models are judged by their maker's rule. */
export function seesImages(id: ProviderId, model: string): boolean {
  if (id === 'offline') return false;
  if (id !== 'openrouter') return REMOTE[id].seesImages.test(model);
  const [maker = '', name = ''] = model.replace(/^~/, '').split('/', 2);
  const rules: Readonly<Record<string, RegExp>> = {
    openai: OPENAI_SEES,
    anthropic: CLAUDE_SEES,
    google: REMOTE.gemini.seesImages,
    'x-ai': REMOTE.xai.seesImages,
    mistralai: REMOTE.mistral.seesImages,
    qwen: /vl|qwen3\.5/,
    'meta-llama': /llama-4|vision/,
  };
  return (rules[maker] ?? NONE).test(name);
}

/**
 * OpenAI's models that answer on the Responses API only. The list need not be whole: another such
 * model is recognised by OpenAI's refusal (`openai.ts`).
 */
const RESPONSES_ONLY =
  /^(?:o[13]-pro|gpt-\d+(?:\.\d+)?-(?:pro|cyber)|gpt-\d+(?:\.\d+)?-codex|codex-|computer-use|o\d.*-deep-research)/;

export function needsResponsesApi(model: string): boolean {
  return RESPONSES_ONLY.test(model);
}
