/** The codes of /link: made on one platform, sent in on another, where the joining is confirmed. */

import { randomInt } from 'node:crypto';
import type { Database, Transaction } from '../db/client.ts';
import { and, desc, eq, gt, isNull, lte, or, sql } from '../db/drizzle.ts';
import { linkAttempts, linkCodes } from '../db/schema.ts';
import type { Identity } from '../keys/key-prompts.ts';
import type { KeyRing } from '../keys/key-ring.ts';

/** How long a code is good, and how far back tries are counted, in milliseconds. */
export const LINK_WINDOW_MS = 10 * 60_000;
/** Codes that one identity may make, and get wrong, within that time. */
const MOST = { made: 5, wrong: 5 } as const;

/** Without letters and digits that are taken for each other; 30 of them, so 39 bits a code. */
const LETTERS = 'ABCDEFGHJKMNPQRSTVWXYZ23456789';
const LENGTH = 8;

export type LinkCodeResult =
  | { readonly result: 'taken'; readonly id: number; readonly maker: Identity }
  | { readonly result: 'own' }
  | { readonly result: 'same-platform' }
  /** Never made, over, or another's by now: which of them is not told. */
  | { readonly result: 'wrong' }
  | { readonly result: 'limited'; readonly retryAt: Date };

export interface LinkCodes {
  /** Replaces the one before. */
  make(
    maker: Identity,
  ): Promise<
    | { readonly result: 'made'; readonly code: string; readonly expiresAt: Date }
    | { readonly result: 'limited'; readonly retryAt: Date }
  >;
  /** Reserves a code for who sent it in; sent again by the same, it is the same again. */
  take(taker: Identity, code: string): Promise<LinkCodeResult>;
  /** Makes a code void that was shown where others can read it, or that is not wanted any more. */
  drop(
    code: { readonly text: string } | { readonly id: number; readonly taker: Identity },
  ): Promise<void>;
  removeExpired(): Promise<void>;
}

export function createLinkCodes({
  db,
  ring,
  now = () => new Date(),
}: {
  readonly db: Database;
  readonly ring: Pick<KeyRing, 'pseudonym'>;
  readonly now?: () => Date;
}): LinkCodes {
  const digestOf = (text: string) => ring.pseudonym(`link-code:${normalise(text)}`);

  /** @returns from when on another is allowed, where none is now */
  async function limitOf(tx: Transaction, who: Identity, kind: keyof typeof MOST) {
    const recent = await tx
      .select({ at: linkAttempts.at })
      .from(linkAttempts)
      .where(
        and(
          eq(linkAttempts.platform, who.platform),
          eq(linkAttempts.platformUserId, who.platformUserId),
          eq(linkAttempts.kind, kind),
          gt(linkAttempts.at, new Date(now().getTime() - LINK_WINDOW_MS)),
        ),
      )
      .orderBy(desc(linkAttempts.at))
      .limit(MOST[kind]);
    const first = recent[MOST[kind] - 1];
    return first === undefined ? undefined : new Date(first.at.getTime() + LINK_WINDOW_MS);
  }

  const count = (
    tx: Transaction,
    { platform, platformUserId }: Identity,
    kind: keyof typeof MOST,
  ) => tx.insert(linkAttempts).values({ platform, platformUserId, kind, at: now() });

  return {
    make: ({ platform, platformUserId }) =>
      db.transaction(async (tx) => {
        const maker = { platform, platformUserId };
        await lockIdentity(tx, maker);
        const retryAt = await limitOf(tx, maker, 'made');
        if (retryAt !== undefined) return { result: 'limited', retryAt };
        await count(tx, maker, 'made');
        const code = Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join(
          '',
        );
        const expiresAt = new Date(now().getTime() + LINK_WINDOW_MS);
        // Not updated: a button that confirms the code before must not confirm this one.
        await tx.delete(linkCodes).where(madeBy(maker));
        await tx.insert(linkCodes).values({ ...maker, digest: digestOf(code), expiresAt });
        return { result: 'made', code: `${code.slice(0, 4)}-${code.slice(4)}`, expiresAt };
      }),

    take: ({ platform, platformUserId }, code) =>
      db.transaction(async (tx) => {
        const taker = { platform, platformUserId };
        await lockIdentity(tx, taker);
        const retryAt = await limitOf(tx, taker, 'wrong');
        if (retryAt !== undefined) return { result: 'limited', retryAt };
        const isMine = and(
          eq(linkCodes.takenByPlatform, platform),
          eq(linkCodes.takenByUserId, platformUserId),
        );
        const [row] = await tx
          .select()
          .from(linkCodes)
          .where(
            and(
              eq(linkCodes.digest, digestOf(code)),
              gt(linkCodes.expiresAt, now()),
              or(isNull(linkCodes.takenByPlatform), isMine),
            ),
          )
          .for('update');
        if (row?.platform === platform) {
          if (row.platformUserId === platformUserId) return { result: 'own' };
          await count(tx, taker, 'wrong');
          return { result: 'same-platform' };
        }
        if (row === undefined) {
          await count(tx, taker, 'wrong');
          return { result: 'wrong' };
        }
        await tx
          .update(linkCodes)
          .set({ takenByPlatform: platform, takenByUserId: platformUserId })
          .where(eq(linkCodes.id, row.id));
        const maker = {
          platform: row.platform as Identity['platform'],
          platformUserId: row.platformUserId,
        };
        return { result: 'taken', id: row.id, maker };
      }),

    async drop(code) {
      await db
        .delete(linkCodes)
        .where(
          'text' in code
            ? eq(linkCodes.digest, digestOf(code.text))
            : and(
                eq(linkCodes.id, code.id),
                eq(linkCodes.takenByPlatform, code.taker.platform),
                eq(linkCodes.takenByUserId, code.taker.platformUserId),
              ),
        );
    },

    async removeExpired() {
      const at = now();
      await db.delete(linkCodes).where(lte(linkCodes.expiresAt, at));
      await db
        .delete(linkAttempts)
        .where(lte(linkAttempts.at, new Date(at.getTime() - LINK_WINDOW_MS)));
    },
  };
}

/** Tries of one identity wait for each other, in all processes: no number of them at once passes the limit. */
async function lockIdentity(
  tx: Transaction,
  { platform, platformUserId }: Identity,
): Promise<void> {
  await tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`link:${platform}:${platformUserId}`}, 0))`,
  );
}

function madeBy({ platform, platformUserId }: Identity) {
  return and(eq(linkCodes.platform, platform), eq(linkCodes.platformUserId, platformUserId));
}

/** As people type it: in small letters, with or without the dash. */
function normalise(code: string): string {
  return code.toUpperCase().replace(/[\s-]+/g, '');
}
