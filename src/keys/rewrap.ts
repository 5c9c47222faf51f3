/** Brings data keys from other KEKs to the active one, a row at a time and each verified. */

import { setTimeout as breathe } from 'node:timers/promises';
import type { Database } from '../db/client.ts';
import { and, asc, eq, gt, inArray, sql } from '../db/drizzle.ts';
import { dataKeys, lostDataKeys } from '../db/schema.ts';
import { type KeyRing, KeyRingError, UnwrapError } from './key-ring.ts';

const BATCH = 64;

export interface RewrapParts {
  readonly db: Database;
  readonly ring: KeyRing;
}

export type RewrapOutcome =
  | 'rewrapped'
  /** Its user was forgotten, or another process was faster: nothing is left to do. */
  | 'gone'
  /** It does not open: it is left as it is. */
  | 'failed';

interface WrappedRow {
  readonly id: number;
  readonly userId: number;
  readonly kid: string;
  readonly wrapped: unknown;
}

/** A table of wrapped data keys. */
interface Shelf {
  /** @returns at most a batch, in the order of ids */
  read(kids: readonly string[], after: number): Promise<readonly WrappedRow[]>;
  /** Writes only where the row is still what was read. @returns whether it was */
  write(
    row: WrappedRow,
    next: { readonly kid: string; readonly wrapped: unknown },
  ): Promise<boolean>;
}

export function shelvesOf(db: Database): readonly Shelf[] {
  const current: Shelf = {
    read: (kids, after) =>
      db
        .select({
          id: dataKeys.userId,
          userId: dataKeys.userId,
          kid: dataKeys.kid,
          wrapped: dataKeys.wrapped,
        })
        .from(dataKeys)
        .where(and(inArray(dataKeys.kid, [...kids]), gt(dataKeys.userId, after)))
        .orderBy(asc(dataKeys.userId))
        .limit(BATCH),
    async write(row, next) {
      const written = await db
        .update(dataKeys)
        .set({ ...next, version: sql`${dataKeys.version} + 1` })
        .where(
          and(
            eq(dataKeys.userId, row.userId),
            eq(dataKeys.kid, row.kid),
            sql`${dataKeys.wrapped} = ${JSON.stringify(row.wrapped)}::text::jsonb`,
          ),
        )
        .returning({ id: dataKeys.userId });
      return written.length > 0;
    },
  };
  const lost: Shelf = {
    read: (kids, after) =>
      db
        .select({
          id: lostDataKeys.id,
          userId: lostDataKeys.userId,
          kid: lostDataKeys.kid,
          wrapped: lostDataKeys.wrapped,
        })
        .from(lostDataKeys)
        .where(and(inArray(lostDataKeys.kid, [...kids]), gt(lostDataKeys.id, after)))
        .orderBy(asc(lostDataKeys.id))
        .limit(BATCH),
    async write(row, next) {
      const written = await db
        .update(lostDataKeys)
        .set(next)
        .where(and(eq(lostDataKeys.id, row.id), eq(lostDataKeys.kid, row.kid)))
        .returning({ id: lostDataKeys.id });
      return written.length > 0;
    },
  };
  return [current, lost];
}

/**
 * Goes once over everything that these KEKs wrap.
 * @throws what the database or a remote KEK's service throws: what was done until then stays done
 */
export async function rewrapFrom(
  { db, ring }: RewrapParts,
  kids: readonly string[],
  {
    signal,
    onRow,
  }: { readonly signal: AbortSignal; readonly onRow: (outcome: RewrapOutcome) => void },
): Promise<void> {
  if (kids.length === 0) return;
  for (const shelf of shelvesOf(db)) {
    for (let after = 0; !signal.aborted; ) {
      const rows = await shelf.read(kids, after);
      // At most eight at a time: bots and workers need the database too.
      for (let i = 0; i < rows.length && !signal.aborted; i += 8) {
        const outcomes = await Promise.all(
          rows.slice(i, i + 8).map((row) => rewrapRow(ring, shelf, row, kids)),
        );
        for (const outcome of outcomes) onRow(outcome);
      }
      after = rows.at(-1)?.id ?? after;
      if (rows.length < BATCH) break;
      // Lets a signal in, however fast the database is.
      await breathe(0);
    }
  }
}

async function rewrapRow(
  ring: KeyRing,
  shelf: Shelf,
  row: WrappedRow,
  old: readonly string[],
): Promise<RewrapOutcome> {
  const context = { userId: row.userId };
  let dataKey: Uint8Array | undefined;
  let again: Uint8Array | undefined;
  try {
    dataKey = await ring.unwrap(row.wrapped, row.kid, context);
    const next = await ring.wrap(dataKey, context);
    if (old.includes(next.kid)) {
      throw new KeyRingError(
        `The key ring still wraps by ${next.kid}: the new ring was not taken over. Run this again.`,
      );
    }
    // As the database will give it back: a row that would not open again must never replace one that does.
    again = await ring.unwrap(JSON.parse(JSON.stringify(next.wrapped)), next.kid, context);
    if (!Buffer.from(again).equals(dataKey)) return 'failed';
    return (await shelf.write(row, next)) ? 'rewrapped' : 'gone';
  } catch (error) {
    if (error instanceof UnwrapError) return 'failed';
    throw error;
  } finally {
    dataKey?.fill(0);
    again?.fill(0);
  }
}
