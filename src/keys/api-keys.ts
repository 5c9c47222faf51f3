/** The life of users' API keys: taken, checked, kept sealed, used, refused, deleted. */

import type { PlatformName } from '../chat/message.ts';
import type { Database } from '../db/client.ts';
import { and, desc, eq, gt, lt, ne, sql } from '../db/drizzle.ts';
import { apiKeys, keyChecks, keyPrompts, pastedKeys, users } from '../db/schema.ts';
import { isProviderId, type RemoteProviderId } from '../llm/catalogue.ts';
import type { Provider, ProviderId } from '../llm/provider.ts';
import { Secret } from './secret.ts';
import { type Vault, VaultError } from './vault.ts';

export type KeyState = 'valid' | 'limited' | 'unchecked' | 'refused';

export type AddResult =
  | {
      readonly result: 'saved';
      readonly state: 'valid' | 'limited' | 'unchecked';
      /** The last four characters. */
      readonly hint: string;
      readonly replaced: boolean;
    }
  | { readonly result: 'refused'; readonly reason: 'invalid' | 'unrecognised' }
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
  readonly state: KeyState;
  readonly version: number;
}

/** A person on a platform. */
export interface Identity {
  readonly platform: PlatformName;
  readonly platformUserId: string;
}

export interface KeyPrompt {
  /** Null until the user has named one. */
  readonly provider: RemoteProviderId | null;
}

export interface ApiKeys {
  /** Checks the key with its provider and keeps it unless that refuses it. One key a provider: it replaces. */
  add(userId: number, provider: RemoteProviderId, key: Secret): Promise<AddResult>;
  list(userId: number): Promise<readonly ListedKey[]>;
  /** @returns whether there was one */
  remove(userId: number, provider: RemoteProviderId): Promise<boolean>;
  /** The key that a turn may use: the named provider's, or the newest; never a refused one. */
  keyFor(userId: number, provider?: ProviderId): Promise<UsableKey | undefined>;
  /** @returns true for the one call that changed it, and only while the version is still kept */
  markRefused(userId: number, provider: ProviderId, version: number): Promise<boolean>;
  markUsed(userId: number, provider: ProviderId): Promise<void>;

  /** Keeps a pasted key for ten minutes; one a user, the newest. */
  keepPasted(
    userId: number,
    provider: RemoteProviderId,
    key: Secret,
  ): Promise<{ readonly id: number; readonly hint: string; readonly expiresAt: Date }>;
  /** Takes it out: once, by its owner, in time. */
  takePasted(
    userId: number,
    id: number,
  ): Promise<{ readonly provider: RemoteProviderId; readonly key: Secret } | undefined>;
  /** Deletes pasted keys, prompts and counts of checks whose time is over. */
  removeExpired(): Promise<void>;

  /** From now on, for ten minutes, the person's next message in private is a key. */
  openPrompt(identity: Identity, provider: RemoteProviderId | null): Promise<void>;
  activePrompt(identity: Identity): Promise<KeyPrompt | undefined>;
  closePrompt(identity: Identity): Promise<void>;
}

const CHECKS_A_MINUTE = 5;
const TEN_MINUTES = sql`now() + interval '10 minutes'`;
/** How long a provider may take to judge a key, in milliseconds. */
const CHECK_TIMEOUT_MS = 10_000;
const SHORTEST = 20;
const LONGEST = 512;

export function createApiKeys({
  db,
  vault,
  providers,
}: {
  readonly db: Database;
  readonly vault: Vault;
  readonly providers: (id: ProviderId) => Provider;
}): ApiKeys {
  const binding = (provider: string, version: number) => ({
    purpose: 'api-key' as const,
    row: `${provider}:${version}`,
  });
  const ofUser = (userId: number, provider: string) =>
    and(eq(apiKeys.userId, userId), eq(apiKeys.provider, provider));

  /** Counts a check. @returns when the next is allowed, where five were made within a minute */
  function countCheck(userId: number): Promise<Date | undefined> {
    return db.transaction(async (tx) => {
      await tx.select({ id: users.id }).from(users).where(eq(users.id, userId)).for('update');
      const recent = await tx
        .select({ at: keyChecks.at })
        .from(keyChecks)
        .where(
          and(eq(keyChecks.userId, userId), gt(keyChecks.at, sql`now() - interval '1 minute'`)),
        )
        .orderBy(desc(keyChecks.at))
        .limit(CHECKS_A_MINUTE);
      const oldest = recent.at(CHECKS_A_MINUTE - 1);
      if (oldest !== undefined) return new Date(oldest.at.getTime() + 60_000);
      await tx.insert(keyChecks).values({ userId });
      return undefined;
    });
  }

  async function save(
    userId: number,
    provider: RemoteProviderId,
    key: Secret,
    state: 'valid' | 'limited' | 'unchecked',
  ): Promise<boolean> {
    // Sealed for the version that it will have: a sealed key put back from an older row does not open.
    for (;;) {
      const [old] = await db
        .select({ version: apiKeys.version })
        .from(apiKeys)
        .where(ofUser(userId, provider));
      // Begun at the clock: versions go on counting after a key was deleted, so that no sealed copy
      // of the deleted one opens again.
      const version = (old?.version ?? secondsSinceEpoch()) + 1;
      const sealed = await vault.seal(userId, binding(provider, version), key.reveal());
      const row = {
        sealed,
        version,
        state,
        hint: hintOf(key),
        checkedAt: state === 'unchecked' ? null : sql`now()`,
        createdAt: sql`now()`,
        lastUsedAt: null,
      };
      const saved =
        old === undefined
          ? await db
              .insert(apiKeys)
              .values({ userId, provider, ...row })
              .onConflictDoNothing()
              .returning({ id: apiKeys.id })
          : await db
              .update(apiKeys)
              .set(row)
              .where(and(ofUser(userId, provider), eq(apiKeys.version, old.version)))
              .returning({ id: apiKeys.id });
      // Nothing saved: another call was faster; this one is the newer, and goes on top of it.
      if (saved.length > 0) return old !== undefined;
    }
  }

  return {
    async add(userId, provider, key) {
      const text = key.reveal();
      if (text.length < SHORTEST || text.length > LONGEST || /\s/.test(text)) {
        return { result: 'refused', reason: 'unrecognised' };
      }
      const retryAt = await countCheck(userId);
      if (retryAt !== undefined) return { result: 'rate-limited', retryAt };
      const check = await providers(provider).checkKey(key, AbortSignal.timeout(CHECK_TIMEOUT_MS));
      if (check.result === 'invalid') return { result: 'refused', reason: 'invalid' };
      const state = check.result === 'unknown' ? 'unchecked' : check.result;
      const replaced = await save(userId, provider, key, state);
      return { result: 'saved', state, hint: hintOf(key), replaced };
    },

    async list(userId) {
      const rows = await db
        .select()
        .from(apiKeys)
        .where(eq(apiKeys.userId, userId))
        .orderBy(apiKeys.createdAt);
      return rows.flatMap((row) =>
        isProviderId(row.provider)
          ? [
              {
                provider: row.provider,
                hint: row.hint,
                state: row.state,
                createdAt: row.createdAt,
                lastUsedAt: row.lastUsedAt,
              },
            ]
          : [],
      );
    },

    async remove(userId, provider) {
      const removed = await db
        .delete(apiKeys)
        .where(ofUser(userId, provider))
        .returning({ id: apiKeys.id });
      return removed.length > 0;
    },

    async keyFor(userId, provider) {
      const rows = await db
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
      const [row] = rows;
      if (row === undefined || !isProviderId(row.provider)) return undefined;
      const text = await vault.open(userId, binding(row.provider, row.version), row.sealed);
      return {
        provider: row.provider,
        apiKey: new Secret(text),
        state: row.state,
        version: row.version,
      };
    },

    async markRefused(userId, provider, version) {
      const marked = await db
        .update(apiKeys)
        .set({ state: 'refused' })
        .where(
          and(ofUser(userId, provider), eq(apiKeys.version, version), ne(apiKeys.state, 'refused')),
        )
        .returning({ id: apiKeys.id });
      return marked.length > 0;
    },

    async markUsed(userId, provider) {
      await db
        .update(apiKeys)
        .set({
          lastUsedAt: sql`now()`,
          // A key that answers works, whatever could not be asked when it was added.
          state: sql`case when ${apiKeys.state} = 'unchecked' then 'valid' else ${apiKeys.state} end`,
        })
        .where(ofUser(userId, provider));
    },

    async keepPasted(userId, provider, key) {
      const hint = hintOf(key);
      const sealed = await vault.seal(
        userId,
        { purpose: 'pasted-key', row: provider },
        key.reveal(),
      );
      await db.delete(pastedKeys).where(eq(pastedKeys.userId, userId));
      const [row] = await db
        .insert(pastedKeys)
        .values({ userId, provider, sealed, hint, expiresAt: TEN_MINUTES })
        .onConflictDoUpdate({
          target: pastedKeys.userId,
          set: { provider, sealed, hint, expiresAt: TEN_MINUTES },
        })
        .returning();
      if (row === undefined) throw new Error('an upsert returned no row');
      return { id: row.id, hint, expiresAt: row.expiresAt };
    },

    async takePasted(userId, id) {
      if (!Number.isSafeInteger(id)) return undefined;
      const [row] = await db
        .delete(pastedKeys)
        .where(and(eq(pastedKeys.id, id), eq(pastedKeys.userId, userId)))
        .returning({
          provider: pastedKeys.provider,
          sealed: pastedKeys.sealed,
          inTime: sql<boolean>`${pastedKeys.expiresAt} > now()`,
        });
      if (row === undefined || !row.inTime || !isProviderId(row.provider)) return undefined;
      try {
        const text = await vault.open(
          userId,
          { purpose: 'pasted-key', row: row.provider },
          row.sealed,
        );
        return { provider: row.provider, key: new Secret(text) };
      } catch (error) {
        if (error instanceof VaultError) return undefined;
        throw error;
      }
    },

    async removeExpired() {
      await db.delete(pastedKeys).where(lt(pastedKeys.expiresAt, sql`now()`));
      await db.delete(keyPrompts).where(lt(keyPrompts.expiresAt, sql`now()`));
      await db.delete(keyChecks).where(lt(keyChecks.at, sql`now() - interval '1 minute'`));
    },

    async openPrompt(identity, provider) {
      await db
        .insert(keyPrompts)
        .values({ ...identity, provider, expiresAt: TEN_MINUTES })
        .onConflictDoUpdate({
          target: [keyPrompts.platform, keyPrompts.platformUserId],
          set: { provider, expiresAt: TEN_MINUTES },
        });
    },

    async activePrompt(identity) {
      const [row] = await db
        .select({ provider: keyPrompts.provider })
        .from(keyPrompts)
        .where(and(promptOf(identity), gt(keyPrompts.expiresAt, sql`now()`)));
      if (row === undefined) return undefined;
      const { provider } = row;
      return { provider: provider !== null && isProviderId(provider) ? provider : null };
    },

    async closePrompt(identity) {
      await db.delete(keyPrompts).where(promptOf(identity));
    },
  };
}

/** 2026-01-01, in seconds: versions stay small enough for an integer. */
const VERSION_EPOCH = 1_767_225_600;

function secondsSinceEpoch(): number {
  return Math.floor(Date.now() / 1000) - VERSION_EPOCH;
}

function promptOf({ platform, platformUserId }: Identity) {
  return and(eq(keyPrompts.platform, platform), eq(keyPrompts.platformUserId, platformUserId));
}

function hintOf(key: Secret): string {
  return key.reveal().slice(-4);
}
