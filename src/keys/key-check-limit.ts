/** How often a user may have a key checked: each check is a request to a provider. */

import type { Database } from '../db/client.ts';
import { and, desc, eq, sql } from '../db/drizzle.ts';
import { keyChecks } from '../db/schema.ts';
import { lockForUser } from './user-lock.ts';

const CHECKS = 5;
const CHECK_WINDOW_MS = 60_000;

/**
 * Counts one check, or refuses it. Calls for one user wait for each other, in all processes.
 * @returns when the next is allowed, where this one is not
 */
export function countKeyCheck(db: Database, userId: number, now: Date): Promise<Date | undefined> {
  return db.transaction(async (tx) => {
    await lockForUser(tx, 'key-checks', userId);
    const recent = await tx
      .select({ at: keyChecks.at })
      .from(keyChecks)
      .where(and(eq(keyChecks.userId, userId), isRecent(now)))
      .orderBy(desc(keyChecks.at))
      .limit(CHECKS);
    const first = recent[CHECKS - 1];
    if (first !== undefined) return new Date(first.at.getTime() + CHECK_WINDOW_MS);
    await tx.insert(keyChecks).values({ userId, at: now });
    return undefined;
  });
}

/** What lies far ahead was counted before the clock was put back: it would count until that time comes. */
export function isRecent(at: Date) {
  const from = (ms: number) => sql`${new Date(at.getTime() + ms).toISOString()}::timestamptz`;
  return sql`(${keyChecks.at} > ${from(-CHECK_WINDOW_MS)} and ${keyChecks.at} < ${from(CHECK_WINDOW_MS)})`;
}
