/** After a restore: those who were forgotten since the backup was made are forgotten again. */

import type { Database } from '../db/client.ts';
import { and, asc, gt, lte, sql } from '../db/drizzle.ts';
import { identities, users } from '../db/schema.ts';
import { createAudit } from '../keys/audit.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import {
  identityPseudonym,
  insertTombstones,
  type Tombstone,
  userPseudonym,
} from '../keys/tombstones.ts';
import { drawPseudonym, eraseUsers } from './erasure.ts';
import { keepLimits } from './kept-limits.ts';

/** Users read at a time. */
const PAGE = 1_000;

/**
 * Destroys the data key and the rows of every user for whom there is a tombstone, unless they came
 * anew after it. Each user is a transaction of their own: broken off, it may be called again.
 * To be called before anything else uses the restored database.
 * @returns how many users were erased
 */
export async function applyTombstones(
  db: Database,
  ring: Pick<KeyRing, 'pseudonym' | 'auditMac'>,
  tombstones: readonly Tombstone[],
): Promise<number> {
  const newest = new Map<string, number>();
  for (const { user, identities: accounts, at } of tombstones) {
    for (const name of [user, ...accounts]) {
      newest.set(name, Math.max(at.getTime(), newest.get(name) ?? 0));
    }
  }
  if (newest.size === 0) return 0;
  // The restored database has to know them too: from it, other processes write their files.
  for (let from = 0; from < tombstones.length; from += PAGE) {
    await insertTombstones(db, tombstones.slice(from, from + PAGE));
  }

  const audit = createAudit({ db, ring });
  let erased = 0;
  let last = 0;
  for (;;) {
    const page = await db
      .select({ id: users.id, createdAt: users.createdAt })
      .from(users)
      .where(gt(users.id, last))
      .orderBy(asc(users.id))
      .limit(PAGE);
    const end = page.at(-1);
    if (end === undefined) return erased;
    const accounts = await accountsOf(db, ring, last, end.id);
    last = end.id;
    for (const { id, createdAt } of page) {
      const names = [userPseudonym(ring, id), ...(accounts.get(id) ?? [])];
      const forgotten = names.some((name) => (newest.get(name) ?? 0) >= createdAt.getTime());
      if (!forgotten) continue;
      await db.transaction(async (tx) => {
        const gone = await eraseUsers(tx, {
          // Not those linked to it in the backup: whether they were forgotten is said of each.
          userIds: [id],
          // What was sent is as old as the backup, and was deleted when the user was forgotten.
          deletableMs: 0,
          usagePseudonym: drawPseudonym(),
        });
        if (gone === undefined) return;
        await keepLimits(tx, ring, gone);
        const entry = { action: 'user.forgotten', actor: 'operator', userId: id } as const;
        await audit.append(tx, { ...entry, detail: { restored: true } });
      });
      erased += 1;
    }
  }
}

/** The user that an account is, or was before it was linked. */
const ownUser = sql<number>`coalesce(${identities.ownUserId}, ${identities.userId})`;

async function accountsOf(
  db: Database,
  ring: Pick<KeyRing, 'pseudonym'>,
  after: number,
  until: number,
): Promise<ReadonlyMap<number, readonly string[]>> {
  const rows = await db
    .select()
    .from(identities)
    .where(and(gt(ownUser, after), lte(ownUser, until)));
  const found = new Map<number, string[]>();
  for (const row of rows) {
    const own = row.ownUserId ?? row.userId;
    found.set(own, [...(found.get(own) ?? []), identityPseudonym(ring, row)]);
  }
  return found;
}
