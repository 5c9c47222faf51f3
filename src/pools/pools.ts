/** Pools as their owners make and change them. */

import { type Database, isUniqueViolation } from '../db/client.ts';
import { and, eq, inArray, sql } from '../db/drizzle.ts';
import { apiKeys, poolChats, poolInvites, pools } from '../db/schema.ts';
import type { Identity } from '../keys/key-prompts.ts';
import { defaultModel, isProviderId, type RemoteProviderId } from '../llm/catalogue.ts';
import { findPerson } from '../users/accounts.ts';
import {
  endOf,
  type PoolSettings,
  readPoolSettings,
  USUAL_SETTINGS,
  zoneAt,
} from './pool-settings.ts';
import { zoneChange } from './pool-windows.ts';
import type { PoolChange } from './pool-words.ts';

export type PoolState = 'draft' | 'open' | 'paused' | 'closed';
export type PoolReason = 'owner' | 'key' | 'owner-left';

export interface Pool {
  readonly id: number;
  /** Undefined: forgotten. */
  readonly ownerId: number | undefined;
  /** Whose data key seals the names of its members. */
  readonly sealedBy: number | undefined;
  readonly name: string;
  readonly provider: RemoteProviderId;
  readonly keyId: number;
  readonly state: PoolState;
  readonly reason: PoolReason | null;
  readonly settings: PoolSettings;
  readonly problem: string | null;
}

/** Why a pool pays for nobody just now. */
export type PoolStop = 'draft' | 'owner' | 'key' | 'owner-left' | 'closed' | 'ended';

export type PoolMade =
  | { readonly result: 'made'; readonly pool: Pool }
  | { readonly result: 'no-key' | 'name-taken' | 'too-many' };

export interface Pools {
  find(id: number): Promise<Pool | undefined>;
  /** Those that a user owns, closed ones left out, oldest first. */
  ownedBy(userId: number): Promise<readonly Pool[]>;
  /** @param open false: a draft, which pays for nobody yet */
  make(
    owner: { readonly userId: number; readonly by: Identity },
    name: string,
    change: PoolChange,
    open: boolean,
  ): Promise<PoolMade>;
  change(pool: Pool, change: PoolChange): Promise<PoolMade>;
  /** Pays again, or for the first time, with the key that its owner has now. */
  open(pool: Pool): Promise<boolean>;
  pause(pool: Pool, reason: 'owner' | 'key'): Promise<boolean>;
  /** For good: its links and its chats go. */
  close(pool: Pool): Promise<void>;
  bind(pool: Pool, chat: { readonly platform: string; readonly wholeId: string }): Promise<void>;
  /** @param of those of these pools alone */
  unbind(
    chat: { readonly platform: string; readonly wholeId: string },
    of: readonly number[],
  ): Promise<boolean>;
}

const MOST_POOLS = 50;

export function poolOf(row: typeof pools.$inferSelect): Pool {
  if (!isProviderId(row.provider)) throw new Error(`pool ${row.id} has no known provider`);
  return {
    ...row,
    ownerId: row.userId ?? undefined,
    sealedBy: row.ownerId ?? undefined,
    provider: row.provider,
    settings: readPoolSettings(row.settings),
  };
}

/** @returns undefined where it pays, as far as that can be told without its key */
export function stopOf({ state, reason, settings }: Pool, now: Date): PoolStop | undefined {
  if (state === 'draft') return 'draft';
  if (state === 'closed') return reason === 'owner-left' ? 'owner-left' : 'closed';
  if (state === 'paused') return reason ?? 'owner';
  const end = endOf(settings);
  return end !== undefined && end <= now ? 'ended' : undefined;
}

export function createPools({
  db,
  now = () => new Date(),
}: {
  readonly db: Database;
  readonly now?: () => Date;
}): Pools {
  async function keyOf(userId: number, provider: string | undefined) {
    const keys = await db
      .select({ id: apiKeys.id, provider: apiKeys.provider })
      .from(apiKeys)
      .where(and(eq(apiKeys.userId, userId), sql`${apiKeys.state} <> 'refused'`))
      .orderBy(apiKeys.id);
    const usable = keys.flatMap((key) =>
      isProviderId(key.provider) ? [{ id: key.id, provider: key.provider }] : [],
    );
    return provider === undefined ? usable.at(-1) : usable.find((k) => k.provider === provider);
  }

  /** Whose data key seals what is made through an account, linked or not. */
  async function sealerOf(userId: number, by: Identity): Promise<number> {
    const person = await findPerson(db, by);
    return person?.userId === userId ? person.ownerId : userId;
  }

  function settingsWith(before: PoolSettings, { settings, zone }: PoolChange): PoolSettings {
    const at = now();
    const current = zoneAt(before, at);
    const pending = before.nextZone !== null && current !== before.nextZone.zone;
    const kept = { ...before, zone: current, nextZone: pending ? before.nextZone : null };
    const zones =
      zone === undefined ? {} : { nextZone: zone === current ? null : zoneChange(zone, at) };
    return { ...kept, ...settings, ...zones };
  }

  const byName = (error: unknown): PoolMade => {
    if (isUniqueViolation(error)) return { result: 'name-taken' };
    throw error;
  };

  return {
    async find(id) {
      const [row] = await db.select().from(pools).where(eq(pools.id, id));
      return row && poolOf(row);
    },

    async ownedBy(userId) {
      const rows = await db
        .select()
        .from(pools)
        .where(and(eq(pools.userId, userId), sql`${pools.state} <> 'closed'`))
        .orderBy(pools.id);
      return rows.map(poolOf);
    },

    async make({ userId, by }, name, change, open) {
      const key = await keyOf(userId, change.key);
      if (key === undefined) return { result: 'no-key' };
      if ((await this.ownedBy(userId)).length >= MOST_POOLS) return { result: 'too-many' };
      const usual: PoolSettings = {
        ...USUAL_SETTINGS,
        models: [defaultModel(key.provider)],
        ...(change.zone === undefined ? {} : { zone: change.zone }),
      };
      const { zone: _, ...rest } = change;
      try {
        const [row] = await db
          .insert(pools)
          .values({
            userId,
            ownerId: await sealerOf(userId, by),
            name,
            provider: key.provider,
            keyId: key.id,
            state: open ? 'open' : 'draft',
            settings: settingsWith(usual, rest),
          })
          .returning();
        if (row === undefined) throw new Error('no pool was made');
        return { result: 'made', pool: poolOf(row) };
      } catch (error) {
        return byName(error);
      }
    },

    async change(pool, change) {
      const { ownerId } = pool;
      if (ownerId === undefined) return { result: 'no-key' };
      const key = change.key === undefined ? undefined : await keyOf(ownerId, change.key);
      if (change.key !== undefined && key === undefined) return { result: 'no-key' };
      // The models of one provider are no other's.
      const models =
        key !== undefined && key.provider !== pool.provider && change.settings.models === undefined
          ? { models: [defaultModel(key.provider)] }
          : {};
      try {
        const [row] = await db
          .update(pools)
          .set({
            settings: { ...settingsWith(pool.settings, change), ...models },
            ...(change.name === undefined ? {} : { name: change.name }),
            ...(key === undefined ? {} : { provider: key.provider, keyId: key.id, problem: null }),
          })
          .where(and(eq(pools.id, pool.id), eq(pools.userId, ownerId)))
          .returning();
        return row === undefined ? { result: 'no-key' } : { result: 'made', pool: poolOf(row) };
      } catch (error) {
        return byName(error);
      }
    },

    async open(pool) {
      const key = pool.ownerId === undefined ? undefined : await keyOf(pool.ownerId, pool.provider);
      if (key === undefined || pool.ownerId === undefined) return false;
      const opened = await db
        .update(pools)
        .set({ state: 'open', reason: null, problem: null, keyId: key.id })
        .where(and(eq(pools.id, pool.id), eq(pools.userId, pool.ownerId), sql`state <> 'closed'`))
        .returning({ id: pools.id });
      return opened.length > 0;
    },

    async pause(pool, reason) {
      const paused = await db
        .update(pools)
        .set({ state: 'paused', reason })
        .where(and(eq(pools.id, pool.id), eq(pools.state, 'open')))
        .returning({ id: pools.id });
      return paused.length > 0;
    },

    close: (pool) =>
      db.transaction(async (tx) => {
        await tx
          .update(pools)
          .set({ state: 'closed', reason: 'owner' })
          .where(eq(pools.id, pool.id));
        await tx.delete(poolInvites).where(eq(poolInvites.poolId, pool.id));
        await tx.delete(poolChats).where(eq(poolChats.poolId, pool.id));
      }),

    async bind({ id: poolId }, { platform, wholeId }) {
      await db
        .insert(poolChats)
        .values({ platform, wholeId, poolId })
        .onConflictDoUpdate({ target: [poolChats.platform, poolChats.wholeId], set: { poolId } });
    },

    async unbind({ platform, wholeId }, of) {
      const gone = await db
        .delete(poolChats)
        .where(
          and(
            eq(poolChats.platform, platform),
            eq(poolChats.wholeId, wholeId),
            inArray(poolChats.poolId, [...of]),
          ),
        )
        .returning({ poolId: poolChats.poolId });
      return gone.length > 0;
    },
  };
}
