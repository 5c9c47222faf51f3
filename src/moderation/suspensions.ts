/**
 * Who is warned, paused or suspended. Kept on the pseudonyms of a person's accounts: it outlasts
 * /forget, and joins and leaves with every account that is linked.
 */

import type { Queryable } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { identityPseudonym } from '../keys/tombstones.ts';
import { type Consequence, FLAG_DAYS, stepAfter } from './ladder.ts';

export interface Account {
  readonly platform: string;
  readonly platformUserId: string;
}

/** A pause or a suspension that is in force. */
export interface Suspension {
  readonly id: number;
  readonly kind: 'pause' | 'suspension';
  /** Null: until it is lifted. */
  readonly until: Date | null;
  readonly reason: string;
  readonly by: 'moderation' | 'operator';
  readonly appealed: boolean;
}

export interface Suspensions {
  /** The one that lasts longest, if any is in force. */
  current(userId: number): Promise<Suspension | undefined>;
  /** Counts a flag of a turn, once however often it runs. @returns what it led to */
  count(
    turn: { readonly userId: number; readonly turnId: number },
    reason: string,
  ): Promise<Consequence>;
  /** @returns the suspension's number; undefined: nobody is known by these accounts */
  suspend(
    accounts: readonly Account[],
    what: { readonly userId: number | null; readonly until: Date | null; readonly reason: string },
  ): Promise<number>;
  /** Lifts all that stands, warnings too: flags count from nothing again. @returns how many */
  lift(accounts: readonly Account[]): Promise<number>;
  /** @returns false: it was appealed against before */
  appeal(
    id: number,
    appeal: { readonly ownerId: number; readonly sealed: Uint8Array },
  ): Promise<boolean>;
  /** What is over, and older than anything that could still count. */
  removeExpired(days: number): Promise<void>;
}

interface Row {
  readonly id: number;
  readonly kind: 'pause' | 'suspension';
  readonly until: number | null;
  readonly reason: string;
  readonly by: 'moderation' | 'operator';
  readonly appealed: boolean;
  readonly missing: number;
}

export function createSuspensions({
  db,
  ring,
}: {
  /** Also inside a transaction. */
  readonly db: Queryable;
  readonly ring: Pick<KeyRing, 'pseudonym'>;
}): Suspensions {
  const pseudonymsOf = (accounts: readonly Account[]) =>
    accounts.map((account) => identityPseudonym(ring, account));
  const list = (words: readonly string[]) =>
    sql`any(array[${sql.join(
      words.map((word) => sql`${word}`),
      sql`, `,
    )}]::text[])`;

  const accountsOf = (on: Queryable, userId: number) =>
    on.execute<{ platform: string; platformUserId: string }>(sql`
      select platform, platform_user_id as "platformUserId" from identities
      where user_id = ${userId}::bigint or own_user_id = ${userId}::bigint`);

  async function cover(on: Queryable, id: number, pseudonyms: readonly string[]): Promise<void> {
    await on.execute(sql`
      insert into suspension_identities (suspension_id, identity_pseudonym)
      values ${sql.join(
        pseudonyms.map((pseudonym) => sql`(${id}::bigint, ${pseudonym})`),
        sql`, `,
      )}
      on conflict do nothing`);
  }

  return {
    async current(userId) {
      const pseudonyms = pseudonymsOf(await accountsOf(db, userId));
      if (pseudonyms.length === 0) return undefined;
      const [row] = await db.execute<Row & Record<string, unknown>>(sql`
        select s.id, s.kind, (extract(epoch from s.until) * 1000)::bigint as until, s.reason, s.by,
               s.appealed_at is not null as appealed,
               ${pseudonyms.length}::int - count(i.identity_pseudonym)::int as missing
        from suspensions s join suspension_identities i on i.suspension_id = s.id
        where i.identity_pseudonym = ${list(pseudonyms)} and s.kind <> 'warning'
          and s.lifted_at is null and (s.until is null or s.until > now())
        group by s.id order by s.until desc nulls first, s.id limit 1`);
      if (row === undefined) return undefined;
      // Accounts that were linked since then are the same person's.
      if (row.missing > 0) await cover(db, row.id, pseudonyms);
      const { id, kind, reason, by, appealed } = row;
      return {
        id,
        kind,
        until: row.until === null ? null : new Date(row.until),
        reason,
        by,
        appealed,
      };
    },

    count: ({ userId, turnId }, reason) =>
      db.transaction(async (tx) => {
        // Held against /forget, which waits, and against another flag of the same person.
        const [user] = await tx.execute(sql`
          select id from users where id = ${userId}::bigint for no key update`);
        const [known] = await tx.execute<{ kind: Consequence }>(sql`
          select kind from suspensions where turn_id = ${turnId}::bigint`);
        if (known !== undefined) return known.kind;
        const pseudonyms = pseudonymsOf(await accountsOf(tx, userId));
        if (user === undefined || pseudonyms.length === 0) return 'warning';
        const [before] = await tx.execute<{ n: number }>(sql`
          select count(distinct s.id)::int as n
          from suspensions s join suspension_identities i on i.suspension_id = s.id
          where i.identity_pseudonym = ${list(pseudonyms)} and s.by = 'moderation'
            and s.lifted_at is null and s.at > now() - ${FLAG_DAYS}::int * interval '1 day'`);
        const { kind, hours } = stepAfter(before?.n ?? 0);
        const [made] = await tx.execute<{ id: number }>(sql`
          insert into suspensions (kind, until, reason, by, turn_id, user_id)
          values (${kind}, now() + ${hours ?? null}::int * interval '1 hour', ${reason},
                  'moderation', ${turnId}::bigint, ${userId}::bigint)
          returning id`);
        if (made !== undefined) await cover(tx, made.id, pseudonyms);
        return kind;
      }),

    suspend: (accounts, { userId, until, reason }) =>
      db.transaction(async (tx) => {
        const kind = until === null ? 'suspension' : 'pause';
        const [made] = await tx.execute<{ id: number }>(sql`
          insert into suspensions (kind, until, reason, by, user_id)
          values (${kind}, ${until?.toISOString() ?? null}::timestamptz, ${reason}, 'operator',
                  ${userId}::bigint)
          returning id`);
        if (made === undefined) throw new Error('an insert returned no row');
        await cover(tx, made.id, pseudonymsOf(accounts));
        return made.id;
      }),

    async lift(accounts) {
      const rows = await db.execute(sql`
        update suspensions s set lifted_at = now()
        where s.lifted_at is null and (s.until is null or s.until > now()
            or s.at > now() - ${FLAG_DAYS}::int * interval '1 day')
          and exists (select from suspension_identities i where i.suspension_id = s.id
                      and i.identity_pseudonym = ${list(pseudonymsOf(accounts))})
        returning s.id`);
      return rows.length;
    },

    async appeal(id, { ownerId, sealed }) {
      const rows = await db.execute(sql`
        update suspensions
        set appealed_at = now(), appeal = ${sealed}::bytea, appeal_owner_id = ${ownerId}::bigint
        where id = ${id}::bigint and appealed_at is null and lifted_at is null returning id`);
      return rows.length > 0;
    },

    async removeExpired(days) {
      await db.execute(sql`
        delete from suspensions
        where (lifted_at is not null or until < now())
          and at < now() - ${Math.max(days, FLAG_DAYS)}::int * interval '1 day'
          and coalesce(lifted_at, until) < now() - ${days}::int * interval '1 day'`);
    },
  };
}
