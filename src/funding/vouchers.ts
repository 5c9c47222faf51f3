/** Vouchers as their operator makes, lists and revokes them. */

import type { Database, Transaction } from '../db/client.ts';
import { and, eq, isNull, sql } from '../db/drizzle.ts';
import { vouchers } from '../db/schema.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { voucherDigest } from './redeeming.ts';
import { makeVoucherCode, readVoucherCode } from './voucher-codes.ts';

export interface NewBatch {
  readonly name: string;
  readonly count: number;
  /** Of each code, for each of its uses. */
  readonly micros: number;
  readonly uses: number;
  readonly expiresAt: Date;
  /** `provider/model`; none: the house's. */
  readonly models: readonly string[];
  readonly createdBy: string;
}

export interface Batch {
  readonly name: string;
  readonly codes: number;
  readonly uses: number;
  readonly used: number;
  readonly revoked: number;
  readonly micros: number;
  readonly expiresAt: Date;
  readonly models: readonly string[];
  readonly createdBy: string;
  readonly createdAt: Date;
  /** Of all its credits: what turns have cost. */
  readonly spentMicros: number;
}

export interface Vouchers {
  /**
   * @returns the codes, in clear for the only time; undefined where there is a batch of this name
   */
  create(batch: NewBatch): Promise<readonly string[] | undefined>;
  /** The newest first. */
  list(): Promise<readonly Batch[]>;
  /**
   * Makes the codes void of a batch, or one code; what was redeemed before stays.
   * @param credits also takes back what is left of the credits
   * @returns how many codes are void now, and how many credits end; undefined: there is no such
   */
  revoke(
    nameOrCode: string,
    credits: boolean,
  ): Promise<{ readonly codes: number; readonly credits: number } | undefined>;
}

/** Rows of one insert. */
const PAGE = 1_000;

export function createVouchers({
  db,
  ring,
  now = () => new Date(),
}: {
  readonly db: Database;
  readonly ring: Pick<KeyRing, 'pseudonym'>;
  readonly now?: () => Date;
}): Vouchers {
  async function exists(tx: Transaction, name: string): Promise<boolean> {
    const found = await tx
      .select({ id: vouchers.id })
      .from(vouchers)
      .where(eq(vouchers.batch, name))
      .limit(1);
    return found.length > 0;
  }

  return {
    create: ({ name, count, ...each }) =>
      db.transaction(async (tx) => {
        await tx.execute(
          sql`select pg_advisory_xact_lock(hashtextextended(${`voucher batch ${name}`}, 0))`,
        );
        if (await exists(tx, name)) return undefined;
        const codes = Array.from({ length: count }, makeVoucherCode);
        for (let from = 0; from < codes.length; from += PAGE) {
          await tx.insert(vouchers).values(
            codes.slice(from, from + PAGE).map((code) => ({
              ...each,
              models: [...each.models],
              batch: name,
              digest: voucherDigest(ring, readVoucherCode(code) ?? code),
              createdAt: now(),
            })),
          );
        }
        return codes;
      }),

    async list() {
      const rows = await db.execute<
        Omit<Batch, 'expiresAt' | 'createdAt'> & { expires: number; created: number }
      >(sql`
        with batches as (
          select batch as name, count(*)::int as codes, sum(uses)::int as uses,
                 sum(used)::int as used, count(revoked_at)::int as revoked, max(micros) as micros,
                 (extract(epoch from max(expires_at)) * 1000)::bigint as expires,
                 min(created_by) as "createdBy",
                 (extract(epoch from min(created_at)) * 1000)::bigint as created
          from vouchers group by batch
        ), spent as (
          select v.batch, sum(b.spent_micros)::bigint as micros
          from credits c join vouchers v on v.id = c.voucher_id
            join budgets b on b.holder_kind = 'credit' and b.holder_id = c.id::text
          group by v.batch
        )
        select name, codes, uses, used, revoked, batches.micros, expires, created, "createdBy",
               (select to_jsonb(v.models) from vouchers v where v.batch = name order by v.id limit 1) as models,
               coalesce(spent.micros, 0) as "spentMicros"
        from batches left join spent on spent.batch = name order by created desc, name`);
      return rows.map(({ expires, created, ...row }) => ({
        ...row,
        expiresAt: new Date(expires),
        createdAt: new Date(created),
      }));
    },

    revoke: (nameOrCode, credits) =>
      db.transaction(async (tx) => {
        const code = readVoucherCode(nameOrCode);
        const isNamed = await exists(tx, nameOrCode);
        if (!isNamed && code === undefined) return undefined;
        const which =
          isNamed || code === undefined
            ? eq(vouchers.batch, nameOrCode)
            : eq(vouchers.digest, voucherDigest(ring, code));
        const found = await tx.select({ id: vouchers.id }).from(vouchers).where(which).limit(1);
        if (found.length === 0) return undefined;
        const revoked = await tx
          .update(vouchers)
          .set({ revokedAt: now() })
          .where(and(which, isNull(vouchers.revokedAt)))
          .returning({ id: vouchers.id });
        if (!credits) return { codes: revoked.length, credits: 0 };
        const at = sql`${now().toISOString()}::timestamptz`;
        const ended = await tx.execute(sql`
          update credits set expires_at = ${at}
          where expires_at > ${at} and voucher_id in (select id from vouchers where ${which})
          returning id`);
        return { codes: revoked.length, credits: ended.length };
      }),
  };
}
