/** Redeems vouchers: each use once, each person once a batch, and guesses only a few. */

import type { Database, Transaction } from '../db/client.ts';
import { and, desc, eq, gt, inArray, lte, sql } from '../db/drizzle.ts';
import { identities, voucherAttempts, voucherRedemptions, vouchers } from '../db/schema.ts';
import type { Identity } from '../keys/key-prompts.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { identityPseudonym } from '../keys/tombstones.ts';
import { accountsOfUserId } from '../users/accounts.ts';
import { addCredit } from './credits.ts';
import { readVoucherCode } from './voucher-codes.ts';

/** Codes that one identity may get wrong in so many milliseconds. */
const MOST_WRONG = 5;
const WINDOW_MS = 10 * 60_000;

export type Redeemed =
  | {
      readonly result: 'redeemed';
      readonly micros: number;
      readonly expiresAt: Date;
      readonly models: readonly string[];
    }
  /** No code is written like that; nothing was looked up. */
  | { readonly result: 'mistyped' }
  /** Of no voucher here: guessed, or of another installation. */
  | { readonly result: 'unknown' }
  /** By this very person. */
  | { readonly result: 'yours-already' }
  | { readonly result: 'one-a-batch' }
  /** By others. */
  | { readonly result: 'used' }
  | { readonly result: 'expired' }
  | { readonly result: 'revoked' }
  | { readonly result: 'limited'; readonly retryAt: Date };

export interface Redeeming {
  redeem(who: Identity, code: string): Promise<Redeemed>;
  /** Forgets wrong tries that count no longer. */
  removeExpired(): Promise<void>;
}

/** What the key ring makes of a code as {@link readVoucherCode} reads it. */
export const voucherDigest = (ring: Pick<KeyRing, 'pseudonym'>, code: string): string =>
  ring.pseudonym(`voucher:${code}`);

export function createRedeeming({
  db,
  ring,
  now = () => new Date(),
}: {
  readonly db: Database;
  readonly ring: Pick<KeyRing, 'pseudonym'>;
  readonly now?: () => Date;
}): Redeeming {
  /** @returns from when on another try is allowed, where none is now */
  async function limitOf(tx: Transaction, pseudonym: string): Promise<Date | undefined> {
    const recent = await tx
      .select({ at: voucherAttempts.at })
      .from(voucherAttempts)
      .where(
        and(
          eq(voucherAttempts.identityPseudonym, pseudonym),
          gt(voucherAttempts.at, new Date(now().getTime() - WINDOW_MS)),
        ),
      )
      .orderBy(desc(voucherAttempts.at))
      .limit(MOST_WRONG);
    const first = recent[MOST_WRONG - 1];
    return first === undefined ? undefined : new Date(first.at.getTime() + WINDOW_MS);
  }

  /** Which of the person's accounts have redeemed one of the batch. */
  async function voucherOf(tx: Transaction, batch: string, pseudonyms: readonly string[]) {
    const [row] = await tx
      .select({ id: voucherRedemptions.voucherId })
      .from(voucherRedemptions)
      .where(
        and(
          eq(voucherRedemptions.batch, batch),
          inArray(voucherRedemptions.identityPseudonym, [...pseudonyms]),
        ),
      );
    return row?.id;
  }

  async function take(tx: Transaction, who: Identity, digest: string): Promise<Redeemed> {
    const { userId, ownerId, pseudonyms } = await heldPerson(tx, ring, who);
    // Row by row: a voucher of many uses is redeemed by many at once, each behind the other.
    const [voucher] = await tx
      .select()
      .from(vouchers)
      .where(eq(vouchers.digest, digest))
      .for('update');
    if (voucher === undefined) return { result: 'unknown' };
    const { id: voucherId, batch, micros, expiresAt, models } = voucher;
    const before = await voucherOf(tx, batch, pseudonyms);
    if (before !== undefined) {
      return { result: before === voucherId ? 'yours-already' : 'one-a-batch' };
    }
    if (voucher.revokedAt !== null) return { result: 'revoked' };
    if (expiresAt <= now()) return { result: 'expired' };
    if (voucher.used >= voucher.uses) return { result: 'used' };
    await tx
      .insert(voucherRedemptions)
      .values(pseudonyms.map((pseudonym) => ({ batch, identityPseudonym: pseudonym, voucherId })));
    await tx
      .update(vouchers)
      .set({ used: sql`${vouchers.used} + 1` })
      .where(eq(vouchers.id, voucherId));
    await addCredit(tx, { userId, ownerId, voucherId, micros, expiresAt, models });
    return { result: 'redeemed', micros, expiresAt, models };
  }

  return {
    async redeem(who, text) {
      const code = readVoucherCode(text);
      if (code === undefined) return { result: 'mistyped' };
      const digest = voucherDigest(ring, code);
      const pseudonym = identityPseudonym(ring, who);
      return db.transaction(async (tx) => {
        await lockTries(tx, pseudonym);
        const retryAt = await limitOf(tx, pseudonym);
        if (retryAt !== undefined) return { result: 'limited', retryAt };
        const redeemed = await take(tx, who, digest);
        if (COUNTED.has(redeemed.result)) {
          await tx.insert(voucherAttempts).values({ identityPseudonym: pseudonym, at: now() });
        }
        return redeemed;
      });
    },

    async removeExpired() {
      await db
        .delete(voucherAttempts)
        .where(lte(voucherAttempts.at, new Date(now().getTime() - WINDOW_MS)));
    },
  };
}

/** Somebody who tries codes learns no more of one that was than of one that never was. */
const COUNTED: ReadonlySet<Redeemed['result']> = new Set(['unknown', 'used', 'expired', 'revoked']);

/**
 * The person behind an identity, held against linking and forgetting until the transaction ends;
 * several tries of one person wait for each other, whichever account they come from.
 */
async function heldPerson(tx: Transaction, ring: Pick<KeyRing, 'pseudonym'>, who: Identity) {
  const [me] = await tx
    .select({ userId: identities.userId, ownUserId: identities.ownUserId })
    .from(identities)
    .where(
      and(eq(identities.platform, who.platform), eq(identities.platformUserId, who.platformUserId)),
    )
    .for('share');
  if (me === undefined) throw new Error('who redeems was forgotten in this moment');
  await lockTries(tx, `user ${me.userId}`);
  const all = await accountsOfUserId(tx, me.userId);
  return {
    userId: me.userId,
    ownerId: me.ownUserId ?? me.userId,
    pseudonyms: all.map((identity) => identityPseudonym(ring, identity)).toSorted(),
  };
}

async function lockTries(tx: Transaction, of: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`redeem:${of}`}, 0))`);
}
