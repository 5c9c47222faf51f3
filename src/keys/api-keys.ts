/** The life of users' API keys: taken, checked, kept sealed, used, refused, deleted. */

import { randomInt } from 'node:crypto';
import type { Database } from '../db/client.ts';
import { and, desc, eq, isNull, lt, ne, not, or, sql } from '../db/drizzle.ts';
import { apiKeys, identities, keyChecks, keyPrompts, pastedKeys } from '../db/schema.ts';
import { builtOnce } from '../db/statement.ts';
import { isProviderId, type RemoteProviderId } from '../llm/catalogue.ts';
import type { Provider, ProviderId } from '../llm/provider.ts';
import { Secret } from '../secret.ts';
import { findPerson } from '../users/accounts.ts';
import { sealGiven } from './afresh.ts';
import type { Audit } from './audit.ts';
import { recognise } from './detection.ts';
import { countKeyCheck, isRecent } from './key-check-limit.ts';
import {
  bindingOf,
  CHECK_TIMEOUT_MS,
  createKeyLife,
  daysAfter,
  type ForgottenKey,
  isAside,
  type KeyLife,
  type ListedKey,
  notExpired,
  type UsableState,
} from './key-life.ts';
import { createKeyPrompts, type Identity, isWaiting, type KeyPrompts } from './key-prompts.ts';
import { createPastedKeys, type PastedKeys } from './pasted-keys.ts';
import type { Vault } from './vault.ts';

export type {
  CheckAgainResult,
  ForgottenKey,
  KeyRef,
  KeyRefusal,
  KeyState,
  ListedKey,
  UsableState,
} from './key-life.ts';
export type { Identity, KeyPrompt } from './key-prompts.ts';

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

export interface UsableKey {
  readonly provider: RemoteProviderId;
  readonly apiKey: Secret;
  readonly state: UsableState;
  /** Tells it from the keys that stood or will stand in its place. */
  readonly version: number;
}

/** As it stands in its row. */
export interface KeptKey {
  /** Whose data key seals it; null: its user's. */
  readonly ownerId: number | null;
  readonly provider: RemoteProviderId;
  readonly version: number;
  readonly sealed: Uint8Array;
}

export interface ApiKeys extends KeyLife, KeyPrompts, PastedKeys {
  /**
   * Checks the key with its provider and keeps it unless that refuses it. One key a provider: the
   * one before serves until this one is kept.
   */
  add(
    userId: number,
    provider: RemoteProviderId,
    key: Secret,
    addedBy?: Identity,
  ): Promise<AddResult>;
  /** Keys of linked identities in whose place another serves until they are separated. */
  listAside(userId: number): Promise<readonly Pick<ListedKey, 'provider' | 'hint'>[]>;
  /**
   * The key that a turn may use: the named provider's, or else the newest; never a refused one, nor
   * one whose time is over.
   * @throws VaultError where it is kept but does not open
   */
  keyFor(userId: number, provider?: ProviderId): Promise<UsableKey | undefined>;
  /** @throws VaultError where it does not open */
  open(userId: number, key: KeptKey): Promise<Secret>;
  /** To be called when the provider has answered with it: an unchecked key is then valid. */
  markUsed(userId: number, provider: ProviderId, version: number): Promise<void>;
  /**
   * Deletes keys, pasted keys, prompts and counts of checks whose time is over.
   * @returns the users' keys among them
   */
  removeExpired(): Promise<readonly ForgottenKey[]>;
}

/** What a key is made of, and how long it may be: it is sent in an HTTP header. */
const KEY_SHAPE = /^[\x21-\x7e]{20,512}$/;

/** Not the first use of a day: that is written down. */
const USED_AGAIN = builtOnce<
  {
    readonly userId: number;
    readonly provider: ProviderId;
    readonly version: number;
    readonly at: string;
    readonly midnight: string;
  },
  { readonly id: number }
>(
  (place) => sql`
    update api_keys set last_used_at = ${place('at')}::timestamptz,
                        state = case when state = 'unchecked' then 'valid' else state end
    where user_id = ${place('userId')} and provider = ${place('provider')}
      and version = ${place('version')} and last_used_at >= ${place('midnight')}::timestamptz
    returning id`,
);

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
  /** Whom a key is to serve, and whose data key is to seal it, at this moment. */
  async function destination(userId: number, addedBy: Identity | undefined) {
    const person = addedBy && (await findPerson(db, addedBy));
    return person ?? { userId, ownerId: userId };
  }

  /** @returns whether it replaced another */
  async function save(
    askedFor: number,
    provider: RemoteProviderId,
    text: string,
    state: UsableState,
    addedBy: Identity | undefined,
  ): Promise<boolean> {
    for (;;) {
      const { userId, ownerId } = await destination(askedFor, addedBy);
      const [old] = await db
        .select({ version: apiKeys.version, forgetAfterDays: apiKeys.forgetAfterDays })
        .from(apiKeys)
        .where(ofUser(userId, provider));
      // Begun at random: a key's version does not come again after it was deleted, so that a late
      // word on the deleted key, or a sealed copy of it, is not taken for the new one's.
      const version = old === undefined ? randomInt(1, 2 ** 30) : old.version + 1;
      const sealed = await sealGiven({ vault, audit }, ownerId, bindingOf(provider, version), text);
      const at = now();
      const keepDays = old?.forgetAfterDays ?? null;
      const row = {
        ownerId: ownerId === userId ? null : ownerId,
        sealed,
        version,
        state,
        hint: text.slice(-4),
        checkedAt: state === 'unchecked' ? null : at,
        createdAt: at,
        lastUsedAt: null,
        refusedByTurn: null,
        expiresAt: keepDays === null ? null : daysAfter(at, keepDays),
      };
      const saved = await db.transaction(async (tx) => {
        if (addedBy !== undefined) {
          // Held against linking: a key for whom the identity no longer belongs to would be lost.
          const [still] = await tx
            .select({ userId: identities.userId })
            .from(identities)
            .where(and(by(addedBy), eq(identities.userId, userId)))
            .for('share');
          if (still === undefined) return [];
        }
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
      // Nothing saved: the row, or whose identity it is, has changed meanwhile; this goes on top.
      if (saved.length > 0) return old !== undefined;
    }
  }

  const rejected = (userId: number, provider: string, reason: RefusalReason) =>
    audit.record({ action: 'key.rejected', actor: 'user', userId, provider, detail: { reason } });

  const open: ApiKeys['open'] = async (userId, { ownerId, provider, version, sealed }) =>
    new Secret(await vault.open(ownerId ?? userId, bindingOf(provider, version), sealed));

  const life = createKeyLife({ db, vault, audit, providers, now });
  return {
    ...life,
    ...createKeyPrompts({ db, now }),
    ...createPastedKeys({ db, vault, audit, now }),

    async add(userId, provider, key, addedBy) {
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
      const replaced = await save(userId, provider, text, state, addedBy);
      return { result: 'saved', state, hint: text.slice(-4), replaced };
    },

    async listAside(userId) {
      const rows = await db
        .select({ provider: apiKeys.provider, hint: apiKeys.hint })
        .from(apiKeys)
        .where(isAside(userId))
        .orderBy(apiKeys.createdAt);
      return rows.flatMap(({ provider, hint }) =>
        isProviderId(provider) ? [{ provider, hint }] : [],
      );
    },

    async keyFor(userId, provider) {
      const [row] = await db
        .select()
        .from(apiKeys)
        .where(
          and(
            eq(apiKeys.userId, userId),
            ne(apiKeys.state, 'refused'),
            notExpired(now()),
            provider === undefined ? undefined : eq(apiKeys.provider, provider),
          ),
        )
        .orderBy(desc(apiKeys.createdAt), desc(apiKeys.id))
        .limit(1);
      if (row === undefined || row.state === 'refused' || !isProviderId(row.provider)) {
        return undefined;
      }
      const { provider: itsProvider, state, version } = row;
      const apiKey = await open(userId, { ...row, provider: itsProvider });
      return { provider: itsProvider, apiKey, state, version };
    },

    open,

    async markUsed(userId, provider, version) {
      const at = now();
      const midnight = new Date(at);
      midnight.setUTCHours(0, 0, 0, 0);
      const again = await USED_AGAIN(db, {
        userId,
        provider,
        version,
        at: at.toISOString(),
        midnight: midnight.toISOString(),
      });
      if (again.length > 0) return;
      const values = {
        lastUsedAt: at,
        state: sql`case when ${apiKeys.state} = 'unchecked' then 'valid' else ${apiKeys.state} end`,
      };
      const key = ofVersion(userId, provider, version);
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
          .where(not(isWaiting(pastedKeys.expiresAt, at)))
          .returning({ userId: pastedKeys.userId, provider: pastedKeys.provider });
        await audit.append(
          tx,
          ...expired.map((row) => ({ action: 'paste.expired', actor: 'system', ...row }) as const),
        );
      });
      await db.delete(keyPrompts).where(not(isWaiting(keyPrompts.expiresAt, at)));
      await db.delete(keyChecks).where(not(isRecent(at)));
      return life.forgetExpired();
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

function by({ platform, platformUserId }: Identity) {
  return and(eq(identities.platform, platform), eq(identities.platformUserId, platformUserId));
}

function ofUser(userId: number, provider: string) {
  return and(eq(apiKeys.userId, userId), eq(apiKeys.provider, provider));
}

function ofVersion(userId: number, provider: string, version: number) {
  return and(ofUser(userId, provider), eq(apiKeys.version, version));
}
