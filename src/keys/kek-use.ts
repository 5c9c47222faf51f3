/** Which KEKs are in use, and that none is retired while something is being wrapped by it. */

import type { Queryable } from '../db/client.ts';
import { inArray, sql } from '../db/drizzle.ts';
import { dataKeys, installation, lostDataKeys } from '../db/schema.ts';

/** Any number will do. Shared: a row is written under a KEK; exclusive: a KEK is retired. */
const USE_LOCK = 7_204_118_357;

const RETIRED = 'kek-retired:';

export async function lockUse(tx: Queryable, how: 'shared' | 'exclusive'): Promise<void> {
  await tx.execute(
    how === 'shared'
      ? sql`select pg_advisory_xact_lock_shared(${USE_LOCK}::bigint)`
      : sql`select pg_advisory_xact_lock(${USE_LOCK}::bigint)`,
  );
}

export async function retiredAmong(
  tx: Queryable,
  kids: readonly string[],
): Promise<readonly string[]> {
  if (kids.length === 0) return [];
  const rows = await tx
    .select({ name: installation.name })
    .from(installation)
    .where(
      inArray(
        installation.name,
        kids.map((kid) => RETIRED + kid),
      ),
    );
  return rows.map(({ name }) => name.slice(RETIRED.length));
}

/** From here on nothing is kept under them. To be called under the exclusive lock. */
export async function markRetired(tx: Queryable, kids: readonly string[]): Promise<void> {
  await tx
    .insert(installation)
    .values(kids.map((kid) => ({ name: RETIRED + kid, value: true })))
    .onConflictDoNothing();
}

export interface KekUse {
  readonly kid: string;
  /** Users whose data key it wraps. */
  readonly rows: number;
  /** Data keys that were given up while it was lost, and which it would open. */
  readonly lost: number;
}

/** Every KEK that wraps anything. */
export async function countUse(tx: Queryable): Promise<readonly KekUse[]> {
  const count = sql<number>`count(*)::int`;
  const [current, lost] = await Promise.all([
    tx.select({ kid: dataKeys.kid, rows: count }).from(dataKeys).groupBy(dataKeys.kid),
    tx.select({ kid: lostDataKeys.kid, rows: count }).from(lostDataKeys).groupBy(lostDataKeys.kid),
  ]);
  const kids = new Set([...current, ...lost].map(({ kid }) => kid));
  return [...kids].sort().map((kid) => ({
    kid,
    rows: current.find((row) => row.kid === kid)?.rows ?? 0,
    lost: lost.find((row) => row.kid === kid)?.rows ?? 0,
  }));
}
