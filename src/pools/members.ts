/** Who is paid by a pool: links, joining, leaving, being removed. */

import { randomUUID } from 'node:crypto';
import type { Database, Queryable } from '../db/client.ts';
import { and, eq, gt, lte, sql } from '../db/drizzle.ts';
import { identities, poolInvites, poolMembers, pools, users } from '../db/schema.ts';
import type { Identity } from '../keys/key-prompts.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { identityPseudonym } from '../keys/tombstones.ts';
import { type Vault, VaultError } from '../keys/vault.ts';
import { type Pool, poolOf } from './pools.ts';

/** How long a link is good, in milliseconds. */
export const INVITE_MS = 30 * 24 * 3_600_000;
const MOST_NAME = 60;

export interface Membership {
  readonly memberId: number;
  readonly pool: Pool;
  readonly model: string | null;
  readonly joinedAt: Date;
  readonly reviewedSince: Date | null;
}

/** What somebody who has a link may read before they agree. */
export interface Invitation {
  readonly pool: Pool;
  /** For one person, whom the owner called so. */
  readonly name: Uint8Array | null;
}

export type JoinResult =
  | { readonly result: 'joined' | 'already'; readonly pool: Pool }
  /** The link is over, was used, or never was. */
  | { readonly result: 'over' }
  | { readonly result: 'own' | 'full' | 'removed' | 'changed'; readonly pool: Pool };

export interface PoolMembers {
  /** @param name for one person alone. @returns the token of a link */
  invite(pool: Pool, name: string | undefined): Promise<string>;
  /** Makes all links of a pool void. @returns how many */
  uninvite(pool: Pool): Promise<number>;
  invitation(token: string): Promise<Invitation | undefined>;
  /**
   * @param agreed what they read of the pool: whether its owner reads along
   */
  join(
    who: { readonly userId: number; readonly identity: Identity; readonly displayName: string },
    token: string,
    agreed: { readonly review: boolean },
  ): Promise<JoinResult>;
  of(userId: number): Promise<readonly Membership[]>;
  leave(userId: number, poolId: number): Promise<boolean>;
  /** @returns the user, where there was such a member */
  remove(poolId: number, memberId: number): Promise<number | undefined>;
  choose(userId: number, poolId: number): Promise<boolean>;
  setModel(userId: number, poolId: number, model: string | null): Promise<boolean>;
  /** The row of somebody who asks in a chat that the pool is bound to. */
  admitGuest(poolId: number, userId: number, platform: string): Promise<number | undefined>;
  nameOf(pool: Pool, sealed: Uint8Array | null): Promise<string | undefined>;
  /** Deletes links that are over, with the names in them. */
  removeExpired(): Promise<void>;
}

const binding = (poolId: number) => ({ purpose: 'pool-name' as const, row: String(poolId) });

export function createPoolMembers({
  db,
  vault,
  ring,
  now = () => new Date(),
}: {
  readonly db: Database;
  readonly vault: Pick<Vault, 'seal' | 'open'>;
  readonly ring: Pick<KeyRing, 'pseudonym'>;
  readonly now?: () => Date;
}): PoolMembers {
  const digestOf = (token: string) => ring.pseudonym(`pool-invite:${token.toLowerCase()}`);

  async function sealName(pool: Pool, name: string): Promise<Uint8Array | null> {
    const short = [...name.trim()].slice(0, MOST_NAME).join('');
    if (pool.sealedBy === undefined || short === '') return null;
    return vault.seal(pool.sealedBy, binding(pool.id), short);
  }

  const openInvite = (on: Queryable, token: string) =>
    on
      .select({ invite: poolInvites, pool: pools })
      .from(poolInvites)
      .innerJoin(pools, eq(pools.id, poolInvites.poolId))
      .where(
        and(
          eq(poolInvites.digest, digestOf(token)),
          gt(poolInvites.expiresAt, now()),
          sql`${pools.state} in ('open', 'paused') and ${pools.userId} is not null`,
        ),
      );

  const isTheirs = (userId: number, poolId: number) =>
    and(eq(poolMembers.userId, userId), eq(poolMembers.poolId, poolId));

  return {
    async invite(pool, name) {
      const token = randomUUID();
      await db.insert(poolInvites).values({
        poolId: pool.id,
        digest: digestOf(token),
        name: name === undefined ? null : await sealName(pool, name),
        expiresAt: new Date(now().getTime() + INVITE_MS),
      });
      return token;
    },

    async uninvite({ id }) {
      const gone = await db
        .delete(poolInvites)
        .where(eq(poolInvites.poolId, id))
        .returning({ id: poolInvites.id });
      return gone.length;
    },

    async invitation(token) {
      const [found] = await openInvite(db, token);
      if (found === undefined) return undefined;
      const { invite, pool } = found;
      return { pool: poolOf(pool), name: invite.name };
    },

    async join({ userId, identity, displayName }, token, agreed) {
      const [found] = await openInvite(db, token);
      if (found === undefined) return { result: 'over' };
      const pool = poolOf(found.pool);
      if (pool.ownerId === userId) return { result: 'own', pool };
      // Sealed before the transaction: the vault may need a connection of its own.
      const name = found.invite.name ?? (await sealName(pool, displayName));
      return db.transaction(async (tx) => {
        // The pool's row is the lock that counts its members.
        const [locked] = await tx.select().from(pools).where(eq(pools.id, pool.id)).for('update');
        const [still] = await openInvite(tx, token);
        if (locked === undefined || still === undefined) return { result: 'over' };
        const { settings } = poolOf(locked);
        if (settings.review !== agreed.review) return { result: 'changed', pool };
        const [known] = await tx
          .select({ id: users.id })
          .from(users)
          .where(eq(users.id, userId))
          .for('key share');
        if (known === undefined) return { result: 'over' };
        const pseudonym = identityPseudonym(ring, identity);
        const rows = await tx
          .select()
          .from(poolMembers)
          .where(
            and(
              eq(poolMembers.poolId, pool.id),
              sql`(${poolMembers.userId} = ${userId} or ${poolMembers.identityPseudonym} = ${pseudonym})`,
            ),
          );
        const before = rows.find((row) => row.userId === userId) ?? rows[0];
        if (before?.state === 'member' && before.userId === userId) {
          return { result: 'already', pool };
        }
        // Whom the owner removed comes back by a link for one person alone.
        const isRemoved = rows.some((row) => row.state === 'removed');
        if (isRemoved && still.invite.name === null) return { result: 'removed', pool };
        const [counted] = await tx.execute<{ n: number }>(sql`
          select count(*)::int as n from pool_members
          where pool_id = ${pool.id} and state = 'member'`);
        if ((counted?.n ?? 0) >= settings.mostMembers) return { result: 'full', pool };
        const at = now();
        const values = {
          userId,
          state: 'member' as const,
          name,
          joinedAt: before === undefined || before.state === 'guest' ? at : before.joinedAt,
          reviewedSince: agreed.review ? at : null,
        };
        if (before === undefined) {
          await tx
            .insert(poolMembers)
            .values({ ...values, poolId: pool.id, identityPseudonym: pseudonym });
        } else {
          await tx.update(poolMembers).set(values).where(eq(poolMembers.id, before.id));
        }
        if (still.invite.name !== null) {
          await tx.delete(poolInvites).where(eq(poolInvites.id, still.invite.id));
        }
        return { result: 'joined', pool };
      });
    },

    async of(userId) {
      const rows = await db
        .select({ member: poolMembers, pool: pools })
        .from(poolMembers)
        .innerJoin(pools, eq(pools.id, poolMembers.poolId))
        .where(and(eq(poolMembers.userId, userId), eq(poolMembers.state, 'member')))
        .orderBy(sql`${poolMembers.chosenAt} desc nulls last`, poolMembers.joinedAt, pools.id);
      return rows.map(({ member, pool }) => ({
        memberId: member.id,
        pool: poolOf(pool),
        model: member.model,
        joinedAt: member.joinedAt,
        reviewedSince: member.reviewedSince,
      }));
    },

    async leave(userId, poolId) {
      const left = await db
        .update(poolMembers)
        .set({ state: 'left', chosenAt: null, reviewedSince: null })
        .where(and(isTheirs(userId, poolId), eq(poolMembers.state, 'member')))
        .returning({ id: poolMembers.id });
      return left.length > 0;
    },

    async remove(poolId, memberId) {
      const [removed] = await db
        .update(poolMembers)
        .set({ state: 'removed', chosenAt: null, reviewedSince: null })
        .where(
          and(
            eq(poolMembers.id, memberId),
            eq(poolMembers.poolId, poolId),
            sql`${poolMembers.state} <> 'removed'`,
          ),
        )
        .returning({ userId: poolMembers.userId });
      return removed?.userId ?? undefined;
    },

    async choose(userId, poolId) {
      const chosen = await db
        .update(poolMembers)
        .set({ chosenAt: now() })
        .where(and(isTheirs(userId, poolId), eq(poolMembers.state, 'member')))
        .returning({ id: poolMembers.id });
      return chosen.length > 0;
    },

    async setModel(userId, poolId, model) {
      const set = await db
        .update(poolMembers)
        .set({ model })
        .where(and(isTheirs(userId, poolId), eq(poolMembers.state, 'member')))
        .returning({ id: poolMembers.id });
      return set.length > 0;
    },

    async admitGuest(poolId, userId, platform) {
      const [account] = await db
        .select()
        .from(identities)
        .where(and(eq(identities.userId, userId), eq(identities.platform, platform)));
      if (account === undefined) return undefined;
      const pseudonym = identityPseudonym(ring, account);
      // Who was forgotten and is back finds what they had used; who was removed stays so.
      await db.execute(sql`
        insert into pool_members as m (pool_id, user_id, identity_pseudonym, state, joined_at)
        select ${poolId}::bigint, id, ${pseudonym}, 'guest', ${now().toISOString()}::timestamptz
        from users where id = ${userId} for key share
        on conflict (pool_id, identity_pseudonym) do update set user_id = excluded.user_id,
          state = case when m.state = 'removed' then m.state else 'guest' end
          where m.user_id is null`);
      const [row] = await db
        .select({ id: poolMembers.id, state: poolMembers.state })
        .from(poolMembers)
        .where(isTheirs(userId, poolId));
      return row === undefined || row.state === 'removed' ? undefined : row.id;
    },

    async removeExpired() {
      await db.delete(poolInvites).where(lte(poolInvites.expiresAt, now()));
    },

    async nameOf(pool, sealed) {
      if (sealed === null || pool.sealedBy === undefined) return undefined;
      try {
        return await vault.open(pool.sealedBy, binding(pool.id), sealed);
      } catch (error) {
        if (error instanceof VaultError) return undefined;
        throw error;
      }
    },
  };
}
