/** The life of users' API keys: taken, checked, kept sealed, used, refused, deleted. */

import { randomInt } from 'node:crypto';
import type { Database } from '../db/client.ts';
import { and, desc, eq, gte, isNull, lt, lte, ne, or, sql } from '../db/drizzle.ts';
import { apiKeys, keyChecks, keyPrompts, pastedKeys } from '../db/schema.ts';
import { isProviderId, type RemoteProviderId } from '../llm/catalogue.ts';
import type { Provider, ProviderId } from '../llm/provider.ts';
import { Secret } from '../secret.ts';
import { sealGiven } from './afresh.ts';
import type { Audit } from './audit.ts';
import { recognise } from './detection.ts';
import { CHECK_WINDOW_MS, countKeyCheck } from './key-check-limit.ts';
import { createKeyPrompts, type KeyPrompts } from './key-prompts.ts';
import { createPastedKeys, type PastedKeys } from './pasted-keys.ts';
import type { SealBinding, Vault } from './vault.ts';

export type { Identity, KeyPrompt } from './key-prompts.ts';

/** What is known of a key that may be used; `unchecked`: its provider could not be asked. */
export type UsableState = 'valid' | 'limited' | 'unchecked';
/** `refused`: the provider has refused it since; kept, so that its user is told, and never used. */
export type KeyState = UsableState | 'refused';

export type RefusalReason = 'invalid' | 'admin-key' | 'login-token' | 'unrecognised';

export type AddResult =
  | {
      readonly result: 'saved';
      readonly state: UsableState;
      /** The last four characters. */
      readonly hint: string;
      readonly replaced: boolean;
    }
  | { readonly result: 'refused'; readonly reason: RefusalReason }
  | { readonly result: 'rate-limited'; readonly retryAt: Date };

export interface ListedKey {
  readonly provider: RemoteProviderId;
  readonly hint: string;
  readonly state: KeyState;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
}

export interface UsableKey {
  readonly provider: RemoteProviderId;
  readonly apiKey: Secret;
  readonly state: UsableState;
  /** Tells it from the keys that stood or will stand in its place. */
  readonly version: number;
}

export interface ApiKeys extends KeyPrompts, PastedKeys {
  /**
   * Checks the key with its provider and keeps it unless that refuses it. One key a provider: the
   * one before serves until this one is kept.
   */
  add(userId: number, provider: RemoteProviderId, key: Secret): Promise<AddResult>;
  /** Oldest first. */
  list(userId: number): Promise<readonly ListedKey[]>;
  /** @returns whether there was one */
  remove(userId: number, provider: RemoteProviderId): Promise<boolean>;
  /**
   * The key that a turn may use: the named provider's, or else the newest; never a refused one.
   * @throws VaultError where it is kept but does not open
   */
  keyFor(userId: number, provider?: ProviderId): Promise<UsableKey | undefined>;
  /** @returns true for the one call that changed it, and only while that version is still kept */
  markRefused(userId: number, provider: ProviderId, version: number): Promise<boolean>;
  /** To be called when the provider has answered with it: an unchecked key is then valid. */
  markUsed(userId: number, provider: ProviderId, version: number): Promise<void>;
  /** Deletes pasted keys, prompts and counts of checks whose time is over. */
  removeExpired(): Promise<void>;
}

/** How long a provider may take to judge a key, in milliseconds. */
const CHECK_TIMEOUT_MS = 10_000;
/** What a key is made of, and how long it may be: it is sent in an HTTP header. */
const KEY_SHAPE = /^[\x21-\x7e]{20,512}$/;

export function createApiKeys({
  db,
  vault,
  audit,
  providers,
  now = () => new Date(),
}: {
  readonly db: Database;
  readonly vault: Vault;
  readonly audit: Audit;
  readonly providers: (id: ProviderId) => Pick<Provider, 'checkKey'>;
  readonly now?: () => Date;
}): ApiKeys {
  /** @returns whether it replaced another */
  async function save(
    userId: number,
    provider: RemoteProviderId,
    text: string,
    state: UsableState,
  ): Promise<boolean> {
    for (;;) {
      const [old] = await db
        .select({ version: apiKeys.version })
        .from(apiKeys)
        .where(ofUser(userId, provider));
      // Begun at random: a key's version does not come again after it was deleted, so that a late
      // word on the deleted key, or a sealed copy of it, is not taken for the new one's.
      const version = old === undefined ? randomInt(1, 2 ** 30) : old.version + 1;
      const sealed = await sealGiven({ vault, audit }, userId, bindingOf(provider, version), text);
      const at = now();
      const row = {
        sealed,
        version,
        state,
        hint: text.slice(-4),
        checkedAt: state === 'unchecked' ? null : at,
        createdAt: at,
        lastUsedAt: null,
      };
      const saved = await db.transaction(async (tx) => {
        const rows =
          old === undefined
            ? await tx
                .insert(apiKeys)
                .values({ userId, provider, ...row })
                .onConflictDoNothing()
                .returning({ id: apiKeys.id })
            : await tx
                .update(apiKeys)
                .set(row)
                .where(ofVersion(userId, provider, old.version))
                .returning({ id: apiKeys.id });
        if (rows.length > 0) {
          const action = old === undefined ? 'key.added' : 'key.replaced';
          await audit.append(tx, { action, actor: 'user', userId, provider, detail: { state } });
        }
        return rows;
      });
      // Nothing saved: another call changed the row meanwhile, and this one goes on top of it.
      if (saved.length > 0) return old !== undefined;
    }
  }

  const rejected = (userId: number, provider: string, reason: RefusalReason) =>
    audit.record({ action: 'key.rejected', actor: 'user', userId, provider, detail: { reason } });

  return {
    ...createKeyPrompts({ db, now }),
    ...createPastedKeys({ db, vault, audit, now }),

    async add(userId, provider, key) {
      const text = key.reveal();
      const reason = refusalOf(text, provider);
      if (reason !== undefined) {
        // What is no key at all is no operation on one, and must not fill the trail.
        if (reason !== 'unrecognised') await rejected(userId, provider, reason);
        return { result: 'refused', reason };
      }
      const retryAt = await countKeyCheck(db, userId, now());
      if (retryAt !== undefined) return { result: 'rate-limited', retryAt };
      const check = await providers(provider).checkKey(key, AbortSignal.timeout(CHECK_TIMEOUT_MS));
      if (check.result === 'invalid') {
        await rejected(userId, provider, 'invalid');
        return { result: 'refused', reason: 'invalid' };
      }
      const state = check.result === 'unknown' ? 'unchecked' : check.result;
      const replaced = await save(userId, provider, text, state);
      return { result: 'saved', state, hint: text.slice(-4), replaced };
    },

    async list(userId) {
      const rows = await db
        .select({
          provider: apiKeys.provider,
          hint: apiKeys.hint,
          state: apiKeys.state,
          createdAt: apiKeys.createdAt,
          lastUsedAt: apiKeys.lastUsedAt,
        })
        .from(apiKeys)
        .where(eq(apiKeys.userId, userId))
        .orderBy(apiKeys.createdAt, apiKeys.id);
      return rows.flatMap(({ provider, ...row }) =>
        isProviderId(provider) ? [{ provider, ...row }] : [],
      );
    },

    async remove(userId, provider) {
      return db.transaction(async (tx) => {
        const removed = await tx
          .delete(apiKeys)
          .where(ofUser(userId, provider))
          .returning({ id: apiKeys.id });
        if (removed.length === 0) return false;
        await audit.append(tx, { action: 'key.deleted', actor: 'user', userId, provider });
        return true;
      });
    },

    async keyFor(userId, provider) {
      const [row] = await db
        .select()
        .from(apiKeys)
        .where(
          and(
            eq(apiKeys.userId, userId),
            ne(apiKeys.state, 'refused'),
            provider === undefined ? undefined : eq(apiKeys.provider, provider),
          ),
        )
        .orderBy(desc(apiKeys.createdAt), desc(apiKeys.id))
        .limit(1);
      if (row === undefined || row.state === 'refused' || !isProviderId(row.provider)) {
        return undefined;
      }
      const { state, version } = row;
      const text = await vault.open(userId, bindingOf(row.provider, version), row.sealed);
      return { provider: row.provider, apiKey: new Secret(text), state, version };
    },

    async markRefused(userId, provider, version) {
      return db.transaction(async (tx) => {
        const marked = await tx
          .update(apiKeys)
          .set({ state: 'refused', checkedAt: now() })
          .where(and(ofVersion(userId, provider, version), ne(apiKeys.state, 'refused')))
          .returning({ id: apiKeys.id });
        if (marked.length === 0) return false;
        await audit.append(tx, { action: 'key.refused', actor: 'system', userId, provider });
        return true;
      });
    },

    async markUsed(userId, provider, version) {
      const at = now();
      const midnight = new Date(at);
      midnight.setUTCHours(0, 0, 0, 0);
      const values = {
        lastUsedAt: at,
        state: sql`case when ${apiKeys.state} = 'unchecked' then 'valid' else ${apiKeys.state} end`,
      };
      const key = ofVersion(userId, provider, version);
      const again = await db
        .update(apiKeys)
        .set(values)
        .where(and(key, gte(apiKeys.lastUsedAt, midnight)))
        .returning({ id: apiKeys.id });
      if (again.length > 0) return;
      // The first use of a day is written down: the trail's lock is not for every turn.
      await db.transaction(async (tx) => {
        const first = await tx
          .update(apiKeys)
          .set(values)
          .where(and(key, or(isNull(apiKeys.lastUsedAt), lt(apiKeys.lastUsedAt, midnight))))
          .returning({ id: apiKeys.id });
        if (first.length === 0) return;
        await audit.append(tx, { action: 'key.used', actor: 'system', userId, provider });
      });
    },

    async removeExpired() {
      const at = now();
      await db.transaction(async (tx) => {
        const expired = await tx
          .delete(pastedKeys)
          .where(lte(pastedKeys.expiresAt, at))
          .returning({ userId: pastedKeys.userId, provider: pastedKeys.provider });
        await audit.append(
          tx,
          ...expired.map((row) => ({ action: 'paste.expired', actor: 'system', ...row }) as const),
        );
      });
      await db.delete(keyPrompts).where(lte(keyPrompts.expiresAt, at));
      await db.delete(keyChecks).where(lte(keyChecks.at, new Date(at.getTime() - CHECK_WINDOW_MS)));
    },
  };
}

/** Why a key is not even sent to the provider. */
function refusalOf(text: string, provider: RemoteProviderId): RefusalReason | undefined {
  if (!KEY_SHAPE.test(text)) return 'unrecognised';
  const found = recognise(text, provider);
  if (found.result === 'refused') return found.reason;
  // A key that tells by itself that it is another provider's is not shown to this one.
  return found.result === 'key' && found.provider !== provider ? 'unrecognised' : undefined;
}

function bindingOf(provider: string, version: number): SealBinding {
  return { purpose: 'api-key', row: `${provider}:${version}` };
}

function ofUser(userId: number, provider: string) {
  return and(eq(apiKeys.userId, userId), eq(apiKeys.provider, provider));
}

function ofVersion(userId: number, provider: string, version: number) {
  return and(ofUser(userId, provider), eq(apiKeys.version, version));
}
