/** Builds the providers of the catalogue. */

import { createAnthropic } from './anthropic.ts';
import { providerEntry, type RemoteProviderId } from './catalogue.ts';
import type { CallLimits } from './http-call.ts';
import { createOffline } from './offline.ts';
import { createOpenAi } from './openai.ts';
import type { Provider, ProviderId } from './provider.ts';

export interface ProvidersOptions {
  /** In place of the catalogue's: `OPENAI_BASE_URL`, `ANTHROPIC_BASE_URL`. */
  readonly baseUrls?: { readonly [Id in RemoteProviderId]?: string | undefined };
  /** For answers; see {@link CallLimits}. */
  readonly completionLimits?: Partial<CallLimits>;
  /** For lists of models and checks of keys. */
  readonly queryLimits?: Partial<CallLimits>;
  /** Of the offline provider. */
  readonly wordsPerSecond?: number;
}

/**
 * A minute for the first byte, since every provider that streams sends its headers at once. Then
 * models may reason in silence for just less than the five minutes after which Node's own `fetch`
 * gives up. A connection that is only kept alive ends after half an hour.
 */
const COMPLETION_LIMITS: CallLimits = {
  firstByteMs: 60_000,
  silenceMs: 290_000,
  totalMs: 30 * 60_000,
};
const QUERY_LIMITS: CallLimits = { firstByteMs: 10_000, silenceMs: 10_000, totalMs: 15_000 };

export function createProviders({
  baseUrls = {},
  completionLimits,
  queryLimits,
  wordsPerSecond,
}: ProvidersOptions = {}): (id: ProviderId) => Provider {
  const built = new Map<ProviderId, Provider>();

  function build(id: ProviderId): Provider {
    if (id === 'offline') {
      return createOffline(wordsPerSecond === undefined ? {} : { wordsPerSecond });
    }
    const entry = providerEntry(id);
    const options = {
      entry,
      baseUrl: (baseUrls[id] ?? entry.baseUrl).replace(/\/+$/, ''),
      completionLimits: { ...COMPLETION_LIMITS, ...completionLimits },
      queryLimits: { ...QUERY_LIMITS, ...queryLimits },
    };
    return entry.api === 'anthropic' ? createAnthropic(options) : createOpenAi(options);
  }

  return (id) => {
    const provider = built.get(id) ?? build(id);
    built.set(id, provider);
    return provider;
  };
}
