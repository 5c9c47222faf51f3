/** Who pays for a turn: the user's own key where there is one, else the house. */

import type { Database } from '../db/client.ts';
import { eq, exists } from '../db/drizzle.ts';
import { apiKeys as apiKeyRows, ownLimits, users } from '../db/schema.ts';
import { isRingIncomplete } from '../keys/afresh.ts';
import type { ApiKeys, ListedKey } from '../keys/api-keys.ts';
import { VaultError } from '../keys/vault.ts';
import { defaultModel } from '../llm/catalogue.ts';
import type { ProviderId } from '../llm/provider.ts';
import type { Secret } from '../secret.ts';
import type { HouseBreaker } from './house-breaker.ts';
import type { OwnLimits } from './own-limit.ts';

export type Funding =
  | {
      readonly kind: 'own';
      readonly provider: ProviderId;
      readonly model: string;
      readonly apiKey: Secret;
      readonly keyVersion: number;
      readonly limits: OwnLimits;
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
      readonly reason: 'own-key-refused';
      readonly provider: ProviderId;
      /** The turns that tell, or told, the user of it. */
      readonly refusedByTurns: readonly number[];
    }
  /** What is kept of the key that answers does not open: damaged, or the ring has lost its KEK. */
  | {
      readonly kind: 'none';
      readonly reason: 'own-key-unreadable' | 'own-key-sealed';
      readonly provider: ProviderId;
    }
  | { readonly kind: 'none'; readonly reason: 'house-unavailable' };

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

/**
 * Which of a user's keys answers: the chosen one, or else the newest; never a refused one.
 * @param keys oldest first
 */
function answeringKey(
  keys: readonly ListedKey[],
  chosen: string | undefined,
): ListedKey | undefined {
  const usable = keys.filter(({ state }) => state !== 'refused');
  return usable.find(({ provider }) => provider === chosen) ?? usable.at(-1);
}

export interface OwnKeys {
  /** Oldest first. */
  readonly keys: readonly ListedKey[];
  readonly answering: ListedKey | undefined;
  /** What the user chose. */
  readonly chosen: { readonly provider: string | null; readonly model: string | null };
  readonly limits: OwnLimits;
}

/** A user's keys, without opening any. */
export async function readOwnKeys(
  { db, apiKeys }: Pick<FundingParts, 'db' | 'apiKeys'>,
  userId: number,
): Promise<OwnKeys> {
  const [user] = await db
    .select({
      provider: users.provider,
      model: users.model,
      hasKeys: exists(
        db.select({ id: apiKeyRows.id }).from(apiKeyRows).where(eq(apiKeyRows.userId, userId)),
      ),
      dayLimitMicros: ownLimits.dayLimitMicros,
      monthLimitMicros: ownLimits.monthLimitMicros,
    })
    .from(users)
    .leftJoin(ownLimits, eq(ownLimits.userId, users.id))
    .where(eq(users.id, userId));
  const keys = user?.hasKeys ? await apiKeys.list(userId) : [];
  return {
    keys,
    answering: answeringKey(keys, user?.provider ?? undefined),
    chosen: { provider: user?.provider ?? null, model: user?.model ?? null },
    limits: {
      dayLimitMicros: user?.dayLimitMicros ?? null,
      monthLimitMicros: user?.monthLimitMicros ?? null,
    },
  };
}

async function ownFunding(
  parts: FundingParts,
  userId: number,
): Promise<Extract<FundingChoice, { kind: 'own' | 'none' }> | undefined> {
  const { keys, answering, chosen, limits } = await readOwnKeys(parts, userId);
  const newest = keys.at(-1);
  if (newest === undefined) return undefined;
  const key = answering && (await openedKey(parts, userId, answering.provider));
  if (answering !== undefined && typeof key === 'string') {
    const { provider } = answering;
    return { kind: 'none', reason: key, provider };
  }
  if (key === undefined || typeof key === 'string') {
    const refusedByTurns = keys.flatMap((k) => (k.refusedByTurn === null ? [] : [k.refusedByTurn]));
    const { provider } = newest;
    return { kind: 'none', reason: 'own-key-refused', provider, refusedByTurns };
  }
  const model = key.provider === chosen.provider ? chosen.model : null;
  return {
    kind: 'own',
    provider: key.provider,
    model: model ?? defaultModel(key.provider),
    apiKey: key.apiKey,
    keyVersion: key.version,
    limits,
  };
}

/** A row that does not open is its owner's to replace; the house does not pay instead, and nobody is asked. */
async function openedKey({ apiKeys }: FundingParts, userId: number, provider: ProviderId) {
  try {
    return await apiKeys.keyFor(userId, provider);
  } catch (error) {
    if (isRingIncomplete(error)) return 'own-key-sealed';
    if (error instanceof VaultError) return 'own-key-unreadable';
    throw error;
  }
}
