/** What /model offers while its argument is typed: what the user may choose from, with prices. */

import type { Identities } from '../chat/identities.ts';
import type { PlatformName } from '../chat/message.ts';
import type { Prices } from '../funding/prices.ts';
import { modelSuggestion } from '../text/model.ts';
import type { ModelChoice } from './model-choice.ts';

/** How long a user's list is kept, in milliseconds. */
const KEPT_MS = 60_000;
/** Who types waits no longer, in milliseconds; what comes later serves the next letter. */
const PATIENCE_MS = 1_800;
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

export function createModelSuggestions(parts: {
  readonly choiceOf: (userId: number) => Promise<ModelChoice>;
  readonly identities: Pick<Identities, 'userOf'>;
  readonly prices: Prices;
  readonly now?: () => number;
}): SuggestModels {
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
    const next = await parts.choiceOf(userId);
    if (next.result !== 'several') return [];
    const { models, from } = await next.list();
    // Tried again with the next letter, since the provider did not say.
    if (from === 'catalogue') throw new Error('the key may not list, or its provider failed');
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
