/** A kept key's later life: shown, checked again, made the default, given an end, deleted. */

import type { Database } from '../db/client.ts';
import { and, eq, gt, isNull, lte, ne, or, sql } from '../db/drizzle.ts';
import { apiKeys } from '../db/schema.ts';
import { isProviderId, type RemoteProviderId } from '../llm/catalogue.ts';
import type { Provider, ProviderId } from '../llm/provider.ts';
import { Secret } from '../secret.ts';
import type { Audit, AuditEntry } from './audit.ts';
import { countKeyCheck } from './key-check-limit.ts';
import { type SealBinding, type Vault, VaultError } from './vault.ts';

/** What is known of a key that may be used; `unchecked`: its provider could not be asked. */
export type UsableState = 'valid' | 'limited' | 'unchecked';
/** `refused`: the provider has refused it since; kept, so that its user is told, and never used. */
export type KeyState = UsableState | 'refused';

/** One key as it stands; a button below an older view names one that is no more. */
export interface KeyRef {
  readonly id: number;
  /** Tells it from the keys that stood or will stand in its place. */
  readonly version: number;
}

export interface ListedKey extends KeyRef {
  readonly provider: RemoteProviderId;
  /** The last four characters. */
  readonly hint: string;
  readonly state: KeyState;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
  /** When it is forgotten, as its user wished. */
  readonly expiresAt: Date | null;
  /** The turn that told, or tells, its user of the refusal. */
  readonly refusedByTurn: number | null;
}

export interface ForgottenKey {
  readonly userId: number;
  readonly provider: RemoteProviderId;
  readonly hint: string;
}

export type CheckAgainResult =
  | { readonly result: 'checked'; readonly state: KeyState }
  /** The provider could not be asked: nothing was changed. */
  | { readonly result: 'no-answer' }
  | { readonly result: 'rate-limited'; readonly retryAt: Date }
  /** What is kept does not open any more. */
  | { readonly result: 'does-not-open' }
  | { readonly result: 'gone' };

/**
 * Marks of a refusal: `told-here`: this turn is the one that tells the owner; `known`: another is
 * or was; `gone`: that key is no longer kept, another may stand in its place.
 */
export type KeyRefusal = 'told-here' | 'known' | 'gone';

/** Calls with a {@link KeyRef} do nothing to a key that is another's, or stands there no more. */
export interface KeyLife {
  /** Oldest first. */
  list(userId: number): Promise<readonly ListedKey[]>;
  /** Asks the provider once more: a refused key that it takes again is used again. */
  checkAgain(userId: number, key: KeyRef): Promise<CheckAgainResult>;
  /** From now on its provider's key answers. @returns whether it did anything */
  makeDefault(userId: number, key: KeyRef): Promise<boolean>;
  /** As {@link makeDefault}, by a model of that provider. */
  chooseModel(userId: number, provider: ProviderId, model: string): Promise<void>;
  /**
   * @param days from now; null: kept until it is deleted
   * @returns whether it did anything
   */
  forgetAfter(userId: number, key: KeyRef, days: number | null): Promise<boolean>;
  /** What was put aside of its provider goes as well. @returns the key that was there */
  removeKey(userId: number, key: KeyRef): Promise<ListedKey | undefined>;
  /** Several turns may meet the refusal at once: exactly one of them is to tell the owner. */
  markRefused(
    userId: number,
    provider: ProviderId,
    version: number,
    turnId: number,
  ): Promise<KeyRefusal>;
  /** Deletes keys whose time is over. @returns them, so that their users can be told */
  forgetExpired(): Promise<readonly ForgottenKey[]>;
}

/** How long a provider may take to judge a key, in milliseconds. */
export const CHECK_TIMEOUT_MS = 10_000;

export function createKeyLife({
  db,
  vault,
  audit,
  providers,
  now,
}: {
  readonly db: Database;
  readonly vault: Vault;
  readonly audit: Audit;
  readonly providers: (id: ProviderId) => Pick<Provider, 'checkKey'>;
  readonly now: () => Date;
}): KeyLife {
  const isKept = (userId: number, { id, version }: KeyRef) =>
    and(
      eq(apiKeys.id, id),
      eq(apiKeys.userId, userId),
      eq(apiKeys.version, version),
      notExpired(now()),
    );

  return {
    async list(userId) {
      const rows = await db
        .select(LISTED)
        .from(apiKeys)
        .where(and(eq(apiKeys.userId, userId), notExpired(now())))
        .orderBy(apiKeys.createdAt, apiKeys.id);
      return rows.flatMap(toListed);
    },

    async checkAgain(userId, key) {
      const [row] = await db.select().from(apiKeys).where(isKept(userId, key));
      if (row === undefined || !isProviderId(row.provider)) return { result: 'gone' };
      const retryAt = await countKeyCheck(db, userId, now());
      if (retryAt !== undefined) return { result: 'rate-limited', retryAt };
      const opened = await open(vault, row.ownerId ?? userId, row);
      if (opened === undefined) return { result: 'does-not-open' };
      const check = await providers(row.provider).checkKey(
        opened,
        AbortSignal.timeout(CHECK_TIMEOUT_MS),
      );
      if (check.result === 'unknown') return { result: 'no-answer' };
      const state = check.result === 'invalid' ? 'refused' : check.result;
      const { provider } = row;
      return db.transaction(async (tx) => {
        const changed = await tx
          .update(apiKeys)
          .set({ state, checkedAt: now(), refusedByTurn: null })
          .where(isKept(userId, key))
          .returning({ id: apiKeys.id });
        if (changed.length === 0) return { result: 'gone' };
        const entry = { actor: 'user', userId, provider, detail: { state } } as const;
        await audit.append(tx, { ...entry, action: 'key.checked' });
        return { result: 'checked', state };
      });
    },

    async makeDefault(userId, key) {
      return db.transaction(async (tx) => {
        // One statement, so that a key which is deleted meanwhile does not become the default.
        const [chosen] = await tx.execute<{ provider: string; was: string | null }>(sql`
          update users u
          set provider = k.provider,
              model = case when u.provider = k.provider then u.model end
          from (select provider from api_keys where ${isKept(userId, key)} for share) k,
               (select provider from users where id = ${userId} for update) old
          where u.id = ${userId}
          returning k.provider, old.provider as was`);
        if (chosen === undefined) return false;
        const { provider, was } = chosen;
        if (was !== provider) {
          await audit.append(tx, { action: 'key.default', actor: 'user', userId, provider });
        }
        return true;
      });
    },

    async chooseModel(userId, provider, model) {
      await db.transaction(async (tx) => {
        const [chosen] = await tx.execute<{ was: string | null }>(sql`
          update users u set provider = ${provider}, model = ${model}
          from (select provider from users where id = ${userId} for update) old
          where u.id = ${userId} returning old.provider as was`);
        if (chosen === undefined || chosen.was === provider) return;
        await audit.append(tx, { action: 'key.default', actor: 'user', userId, provider });
      });
    },

    async forgetAfter(userId, key, days) {
      return db.transaction(async (tx) => {
        const [changed] = await tx
          .update(apiKeys)
          .set({ forgetAfterDays: days, expiresAt: days === null ? null : daysAfter(now(), days) })
          .where(isKept(userId, key))
          .returning({ provider: apiKeys.provider });
        if (changed === undefined) return false;
        await audit.append(tx, {
          action: days === null ? 'key.end-lifted' : 'key.end-set',
          actor: 'user',
          userId,
          ...changed,
          ...(days === null ? {} : { detail: { days } }),
        });
        return true;
      });
    },

    async removeKey(userId, key) {
      return db.transaction(async (tx) => {
        const removed = await tx.delete(apiKeys).where(isKept(userId, key)).returning(LISTED);
        const [gone] = removed.flatMap(toListed);
        if (gone === undefined) return undefined;
        const { provider } = gone;
        const aside = await tx
          .delete(apiKeys)
          .where(and(isAside(userId), eq(apiKeys.provider, provider)))
          .returning({ userId: apiKeys.userId });
        await audit.append(
          tx,
          ...[{ userId }, ...aside].map(
            (whose): AuditEntry => ({ action: 'key.deleted', actor: 'user', ...whose, provider }),
          ),
        );
        return gone;
      });
    },

    async markRefused(userId, provider, version, turnId) {
      const isIt = and(
        eq(apiKeys.userId, userId),
        eq(apiKeys.provider, provider),
        eq(apiKeys.version, version),
      );
      const isMarked = await db.transaction(async (tx) => {
        const marked = await tx
          .update(apiKeys)
          .set({ state: 'refused', checkedAt: now(), refusedByTurn: turnId })
          .where(and(isIt, ne(apiKeys.state, 'refused')))
          .returning({ id: apiKeys.id });
        if (marked.length === 0) return false;
        await audit.append(tx, { action: 'key.refused', actor: 'system', userId, provider });
        return true;
      });
      if (isMarked) return 'told-here';
      const [row] = await db
        .select({ refusedByTurn: apiKeys.refusedByTurn })
        .from(apiKeys)
        .where(isIt);
      if (row === undefined) return 'gone';
      // An earlier attempt at the same turn died before it could tell.
      return row.refusedByTurn === turnId ? 'told-here' : 'known';
    },

    async forgetExpired() {
      const forgotten = await db.transaction(async (tx) => {
        const rows = await tx
          .delete(apiKeys)
          .where(lte(apiKeys.expiresAt, now()))
          .returning({ userId: apiKeys.userId, provider: apiKeys.provider, hint: apiKeys.hint });
        await audit.append(
          tx,
          ...rows.map(
            ({ userId, provider }): AuditEntry => ({
              action: 'key.expired',
              actor: 'system',
              userId,
              provider,
            }),
          ),
        );
        return rows;
      });
      return forgotten.flatMap(({ provider, ...row }) =>
        isProviderId(provider) ? [{ ...row, provider }] : [],
      );
    },
  };
}

/** Keys of linked identities in whose place another serves. */
export function isAside(userId: number) {
  return sql`${apiKeys.userId} <> ${userId} and ${apiKeys.userId} in
    (select own_user_id from identities where user_id = ${userId})`;
}

/** A key whose time is over is none, from that moment on: the job that deletes it may come later. */
export function notExpired(at: Date) {
  return or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, at));
}

export function daysAfter(at: Date, days: number): Date {
  return new Date(at.getTime() + days * 86_400_000);
}

export function bindingOf(provider: string, version: number): SealBinding {
  return { purpose: 'api-key', row: `${provider}:${version}` };
}

async function open(
  vault: Vault,
  userId: number,
  row: { readonly provider: string; readonly version: number; readonly sealed: Uint8Array },
): Promise<Secret | undefined> {
  try {
    return new Secret(await vault.open(userId, bindingOf(row.provider, row.version), row.sealed));
  } catch (error) {
    if (error instanceof VaultError) return undefined;
    throw error;
  }
}

const LISTED = {
  id: apiKeys.id,
  version: apiKeys.version,
  provider: apiKeys.provider,
  hint: apiKeys.hint,
  state: apiKeys.state,
  createdAt: apiKeys.createdAt,
  lastUsedAt: apiKeys.lastUsedAt,
  expiresAt: apiKeys.expiresAt,
  refusedByTurn: apiKeys.refusedByTurn,
};

function toListed<T extends { readonly provider: string }>({
  provider,
  ...row
}: T): readonly (Omit<T, 'provider'> & { readonly provider: RemoteProviderId })[] {
  return isProviderId(provider) ? [{ ...row, provider }] : [];
}
