/**
 * Joins the users of two identities into one, and separates them again: each in one transaction.
 * The identities' rows are the lock: accepting a turn and adding a key hold the sender's row, so
 * that none of either slips in between. They are always locked in the same order.
 */

import type { Database, Transaction } from '../db/client.ts';
import { and, eq, gt, inArray, sql } from '../db/drizzle.ts';
import { identities, linkCodes, mailbox } from '../db/schema.ts';
import { moveCredits, returnCredits } from '../funding/credits.ts';
import { copyBudgets, joinBudgets } from '../funding/linked-budgets.ts';
import type { Audit, AuditEntry } from '../keys/audit.ts';
import type { Identity } from '../keys/key-prompts.ts';
import { keysMet, moveKeys, returnKeys } from '../keys/linked-keys.ts';
import { joinPools, returnPools } from '../pools/linked-pools.ts';
import type { PlatformName } from './message.ts';

/** What is known of both sides before they are joined. */
export interface LinkPreview {
  /** Providers of which both have a key: the last four characters of each. */
  readonly bothHave: readonly {
    readonly provider: string;
    readonly stays: string;
    readonly aside: string;
  }[];
}

export type LinkResult =
  | { readonly result: 'linked'; readonly with: Identity }
  /** The code is over or was used. */
  | { readonly result: 'over' }
  | { readonly result: 'already' }
  /** One side has an answer under way: nothing was changed, and it may be tried again. */
  | { readonly result: 'busy' }
  /** Together they would have two identities on one platform. */
  | { readonly result: 'platform-taken'; readonly platform: string };

export type UnlinkResult =
  | { readonly result: 'unlinked'; readonly others: readonly Identity[] }
  | { readonly result: 'not-linked' }
  | { readonly result: 'busy' };

export interface Linking {
  /** All identities of this one's user, itself among them. */
  linked(identity: Identity): Promise<readonly Identity[]>;
  /** @param here where the joining is about to be confirmed */
  preview(here: Identity, there: Identity): Promise<LinkPreview>;
  /** Joins whoever made the code with `here`, who took it and whose user stays. */
  link(here: Identity, codeId: number): Promise<LinkResult>;
  /** Separates all identities of this one's user. */
  unlink(here: Identity): Promise<UnlinkResult>;
}

type Row = typeof identities.$inferSelect;

/** Another link took effect between reading and locking: to be read once more. */
class Overtaken extends Error {}

export function createLinking({
  db,
  audit,
  now = () => new Date(),
}: {
  readonly db: Database;
  readonly audit: Pick<Audit, 'append'>;
  readonly now?: () => Date;
}): Linking {
  async function find(on: Pick<Transaction, 'select'>, { platform, platformUserId }: Identity) {
    const [row] = await on
      .select()
      .from(identities)
      .where(and(eq(identities.platform, platform), eq(identities.platformUserId, platformUserId)));
    return row;
  }

  /** @throws Overtaken */
  async function lockIdentitiesOf(tx: Transaction, userIds: readonly number[]): Promise<Row[]> {
    const all = tx
      .select()
      .from(identities)
      .where(inArray(identities.userId, [...userIds]))
      .orderBy(identities.platform, identities.platformUserId);
    const locked = await all.for('update');
    // Once more, now that nothing of them changes: one may have come in meanwhile.
    const [seen] = await tx
      .select({ count: sql<number>`count(*)`.mapWith(Number) })
      .from(identities)
      .where(inArray(identities.userId, [...userIds]));
    if (seen?.count !== locked.length) throw new Overtaken();
    return locked;
  }

  async function hasOpenTurns(tx: Transaction, userIds: readonly number[]): Promise<boolean> {
    const open = await tx
      .select({ userId: mailbox.userId })
      .from(mailbox)
      .where(and(inArray(mailbox.userId, [...userIds]), gt(mailbox.open, 0)));
    return open.length > 0;
  }

  async function untilNotOvertaken<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await db.transaction(work);
      } catch (error) {
        if (!(error instanceof Overtaken) || tries === 5) throw error;
      }
    }
  }

  async function join(tx: Transaction, here: Identity, codeId: number): Promise<LinkResult> {
    const [code] = await tx
      .select()
      .from(linkCodes)
      .where(
        and(
          eq(linkCodes.id, codeId),
          eq(linkCodes.takenByPlatform, here.platform),
          eq(linkCodes.takenByUserId, here.platformUserId),
          gt(linkCodes.expiresAt, now()),
        ),
      )
      .for('update');
    if (code === undefined) return { result: 'over' };
    const there = identityOf(code);
    const [mine, theirs] = [await find(tx, here), await find(tx, there)];
    if (mine === undefined || theirs === undefined) return { result: 'over' };
    if (mine.userId === theirs.userId) return { result: 'already' };

    const all = await lockIdentitiesOf(tx, [mine.userId, theirs.userId]);
    const still = (row: Row) => all.some((r) => isSame(r, row) && r.userId === row.userId);
    if (!still(mine) || !still(theirs)) throw new Overtaken();
    const twice = all.find((row, index) =>
      all.slice(0, index).some((other) => other.platform === row.platform),
    );
    if (twice !== undefined) return { result: 'platform-taken', platform: twice.platform };
    if (await hasOpenTurns(tx, [mine.userId, theirs.userId])) return { result: 'busy' };

    const [to, from] = [mine.userId, theirs.userId];
    await tx.delete(linkCodes).where(eq(linkCodes.id, codeId));
    await tx
      .update(identities)
      .set({ ownUserId: sql`coalesce(${identities.ownUserId}, ${identities.userId})`, userId: to })
      .where(eq(identities.userId, from));
    await tx.execute(sql`
      update users here set provider = there.provider, model = there.model
      from users there where here.id = ${to} and there.id = ${from} and here.provider is null`);
    const moved = await moveKeys(tx, from, to);
    await moveCredits(tx, from, to);
    await joinBudgets(tx, from, to);
    await joinPools(tx, from, to);
    await audit.append(tx, ...moved);
    return { result: 'linked', with: there };
  }

  async function separate(tx: Transaction, here: Identity): Promise<UnlinkResult> {
    const mine = await find(tx, here);
    if (mine === undefined) return { result: 'not-linked' };
    const all = await lockIdentitiesOf(tx, [mine.userId]);
    if (!all.some((row) => isSame(row, mine))) throw new Overtaken();
    if (all.length < 2) return { result: 'not-linked' };
    if (await hasOpenTurns(tx, [mine.userId])) return { result: 'busy' };
    const returned: AuditEntry[] = [];
    for (const row of all) {
      if (row.ownUserId === null || row.ownUserId === row.userId) continue;
      const [from, to] = [row.userId, row.ownUserId];
      await tx
        .update(identities)
        .set({ userId: to, ownUserId: null })
        .where(
          and(
            eq(identities.platform, row.platform),
            eq(identities.platformUserId, row.platformUserId),
          ),
        );
      await tx.execute(sql`
        update users own set provider = shared.provider, model = shared.model,
               group_consent_at = shared.group_consent_at, show_cost = shared.show_cost,
               payer_order = shared.payer_order
        from users shared where own.id = ${to} and shared.id = ${from}`);
      returned.push(...(await returnKeys(tx, from, to)));
      await returnCredits(tx, from, to);
      await copyBudgets(tx, from, to);
      await returnPools(tx, from, to);
    }
    await audit.append(tx, ...returned);
    return {
      result: 'unlinked',
      others: all.filter((row) => !isSame(row, mine)).map(identityOf),
    };
  }

  return {
    async linked(identity) {
      const own = await find(db, identity);
      if (own === undefined) return [];
      const rows = await db.select().from(identities).where(eq(identities.userId, own.userId));
      return rows.map(identityOf);
    },
    async preview(here, there) {
      const [mine, theirs] = [await find(db, here), await find(db, there)];
      if (mine === undefined || theirs === undefined) return { bothHave: [] };
      return { bothHave: await keysMet(db, mine.userId, theirs.userId) };
    },
    link: (here, codeId) => untilNotOvertaken((tx) => join(tx, here, codeId)),
    unlink: (here) => untilNotOvertaken((tx) => separate(tx, here)),
  };
}

function identityOf(row: { platform: string; platformUserId: string }): Identity {
  return { platform: row.platform as PlatformName, platformUserId: row.platformUserId };
}

function isSame(one: Pick<Row, 'platform' | 'platformUserId'>, other: typeof one): boolean {
  return one.platform === other.platform && one.platformUserId === other.platformUserId;
}
