/** Who pays for a turn: the user's own key where there is one, else the house. */

import type { Database } from '../db/client.ts';
import { eq, exists } from '../db/drizzle.ts';
import { apiKeys as apiKeyRows, users } from '../db/schema.ts';
import type { ApiKeys } from '../keys/api-keys.ts';
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
  | { readonly kind: 'none'; readonly reason: 'own-key-refused' | 'house-unavailable' };

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
  const [user] = await db
    .select({
      provider: users.provider,
      model: users.model,
      hasKeys: exists(
        db.select({ id: apiKeyRows.id }).from(apiKeyRows).where(eq(apiKeyRows.userId, userId)),
      ),
    })
    .from(users)
    .where(eq(users.id, userId));
  if (!user?.hasKeys) return undefined;
  const chosen = user.provider !== null && isProviderId(user.provider) ? user.provider : undefined;

  const key =
    (chosen === undefined ? undefined : await apiKeys.keyFor(userId, chosen)) ??
    (await apiKeys.keyFor(userId));
  if (key === undefined) return { kind: 'none', reason: 'own-key-refused' };
  const model = key.provider === chosen ? user.model : undefined;
  return {
    kind: 'own',
    provider: key.provider,
    model: model ?? defaultModel(key.provider),
    apiKey: key.apiKey,
    keyVersion: key.version,
  };
}
