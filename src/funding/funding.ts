/** Who pays for a turn: the user's own key where there is one, else the house. */

import type { Database } from '../db/client.ts';
import { eq } from '../db/drizzle.ts';
import { users } from '../db/schema.ts';
import type { ApiKeys, UsableKey } from '../keys/api-keys.ts';
import { VaultError } from '../keys/vault.ts';
import { defaultModel, isProviderId } from '../llm/catalogue.ts';
import type { ProviderId } from '../llm/provider.ts';
import type { Secret } from '../secret.ts';
import type { HouseBreaker } from './house-breaker.ts';

export type Funding =
  | {
      readonly kind: 'own';
      readonly provider: ProviderId;
      readonly model: string;
      readonly apiKey: Secret;
      readonly keyVersion: number;
    }
  | {
      readonly kind: 'house';
      readonly provider: ProviderId;
      readonly model: string;
      readonly apiKey: Secret;
    };

export type FundingChoice =
  | Funding
  /** The user has keys of their own, and all were refused: the house does not silently pay. */
  | {
      readonly kind: 'none';
      readonly reason: 'own-key-refused' | 'own-key-sealed' | 'house-unavailable';
    };

export interface House {
  readonly provider: ProviderId;
  readonly model: string;
  readonly apiKey: Secret;
}

export interface FundingParts {
  readonly db: Database;
  readonly apiKeys: ApiKeys;
  readonly house: House;
  readonly breaker: HouseBreaker;
}

/** Chooses who pays. With the house, the turn may become the probe of a breaker: ask once a turn. */
export async function chooseFunding(parts: FundingParts, userId: number): Promise<FundingChoice> {
  const own = await ownFunding(parts, userId);
  if (own !== undefined) return own;
  if (!parts.breaker.mayTry()) return { kind: 'none', reason: 'house-unavailable' };
  return { kind: 'house', ...parts.house };
}

/** Who would pay for the user's next turn, without any effect. */
export async function previewFunding(
  parts: FundingParts,
  userId: number,
): Promise<{
  readonly kind: 'own' | 'house' | 'none';
  readonly provider: ProviderId;
  readonly model: string;
}> {
  const own = await ownFunding(parts, userId);
  if (own === undefined) return { ...parts.house, kind: 'house' };
  if (own.kind === 'none') return { ...parts.house, kind: 'none' };
  return own;
}

async function ownFunding(
  { db, apiKeys }: FundingParts,
  userId: number,
): Promise<Extract<FundingChoice, { kind: 'own' | 'none' }> | undefined> {
  const [[user], keys] = await Promise.all([
    db
      .select({ provider: users.provider, model: users.model })
      .from(users)
      .where(eq(users.id, userId)),
    apiKeys.list(userId),
  ]);
  if (keys.length === 0) return undefined;
  const chosen = user?.provider != null && isProviderId(user.provider) ? user.provider : undefined;

  const key = await firstOpenable(
    async () => (chosen === undefined ? undefined : await apiKeys.keyFor(userId, chosen)),
    () => apiKeys.keyFor(userId),
  );
  if (key === 'sealed') return { kind: 'none', reason: 'own-key-sealed' };
  if (key === undefined) return { kind: 'none', reason: 'own-key-refused' };
  const model = key.provider === chosen ? user?.model : undefined;
  return {
    kind: 'own',
    provider: key.provider,
    model: model ?? defaultModel(key.provider),
    apiKey: key.apiKey,
    keyVersion: key.version,
  };
}

/** A key that is kept but does not open is not passed over silently: its owner is asked for it again. */
async function firstOpenable(
  ...ways: readonly (() => Promise<UsableKey | undefined>)[]
): Promise<UsableKey | 'sealed' | undefined> {
  try {
    for (const way of ways) {
      const key = await way();
      if (key !== undefined) return key;
    }
    return undefined;
  } catch (error) {
    if (error instanceof VaultError) return 'sealed';
    throw error;
  }
}
