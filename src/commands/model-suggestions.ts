/** What /model offers while its argument is typed: the live list of the user's key, with prices. */

import type { Identities } from '../chat/identities.ts';
import type { PlatformName } from '../chat/message.ts';
import { type FundingParts, previewFunding } from '../funding/funding.ts';
import type { Prices } from '../funding/prices.ts';
import type { Provider, ProviderId } from '../llm/provider.ts';
import { modelSuggestion } from '../text/model.ts';

/** How long a user's list is kept, in milliseconds. */
const KEPT_MS = 60_000;
/** Who types waits no longer, in milliseconds; what comes later serves the next letter. */
const PATIENCE_MS = 1_800;
/** How long asking a provider may go on behind that, in milliseconds. */
const LIST_TIMEOUT_MS = 10_000;
/** Most users whose lists are kept. */
const MOST_KEPT = 1_000;
/** The most that platforms show, and the longest name that they take. */
const MOST_SHOWN = 25;
const LONGEST = 100;

export interface ModelSuggestion {
  /** The name with its price, in plain text. */
  readonly label: string;
  /** What /model takes. */
  readonly value: string;
}

/** Never throws; empty where there is nothing to offer, or it could not be found out in time. */
export type SuggestModels = (typing: {
  readonly typed: string;
  readonly sender: { readonly platform: PlatformName; readonly platformUserId: string };
}) => Promise<readonly ModelSuggestion[]>;

export function createModelSuggestions(
  parts: FundingParts & {
    readonly identities: Pick<Identities, 'userOf'>;
    readonly prices: Prices;
    readonly provider: (id: ProviderId) => Provider;
    readonly now?: () => number;
  },
): SuggestModels {
  const { now = () => performance.now() } = parts;
  const kept = new Map<
    string,
    { readonly at: number; readonly list: Promise<readonly ModelSuggestion[]> }
  >();

  async function read(
    platform: PlatformName,
    platformUserId: string,
  ): Promise<readonly ModelSuggestion[]> {
    const userId = await parts.identities.userOf(platform, platformUserId);
    const next = await previewFunding(parts, userId);
    if (next.kind !== 'own') return [];
    const key = await parts.apiKeys.keyFor(userId, next.provider);
    if (key === undefined) return [];
    const signal = AbortSignal.timeout(LIST_TIMEOUT_MS);
    const models = await parts.provider(next.provider).listModels(key.apiKey, signal);
    return models
      .filter(({ id }) => id.length <= LONGEST)
      .map(({ id }) => ({
        label: modelSuggestion(id, parts.prices.priceOf(next.provider, id), LONGEST),
        value: id,
      }));
  }

  function listOf(platform: PlatformName, platformUserId: string) {
    const id = `${platform}:${platformUserId}`;
    const known = kept.get(id);
    if (known !== undefined && now() - known.at < KEPT_MS) return known.list;
    const list = read(platform, platformUserId).catch(() => {
      kept.delete(id);
      return [];
    });
    kept.delete(id);
    kept.set(id, { at: now(), list });
    for (const oldest of kept.keys()) {
      if (kept.size <= MOST_KEPT) break;
      kept.delete(oldest);
    }
    return list;
  }

  return async ({ typed, sender }) => {
    const wanted = typed.slice(0, LONGEST).trim().toLowerCase();
    const patience = Promise.withResolvers<readonly ModelSuggestion[]>();
    const timer = setTimeout(() => patience.resolve([]), PATIENCE_MS);
    try {
      const list = await Promise.race([
        listOf(sender.platform, sender.platformUserId),
        patience.promise,
      ]);
      return list.filter(({ value }) => value.toLowerCase().includes(wanted)).slice(0, MOST_SHOWN);
    } finally {
      clearTimeout(timer);
    }
  };
}
