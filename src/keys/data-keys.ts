/** Each user's data key: made on first use, kept wrapped in `data_keys`, opened for a minute. */

import { randomBytes } from 'node:crypto';
import type { Database, Queryable } from '../db/client.ts';
import { eq } from '../db/drizzle.ts';
import { dataKeys, lostDataKeys } from '../db/schema.ts';
import { lockUse, retiredAmong } from './kek-use.ts';
import { type KeyRing, KeyRingError, UnwrapError } from './key-ring.ts';

const DATA_KEY_BYTES = 32;

export interface DataKeysParts {
  readonly db: Database;
  readonly ring: KeyRing;
  /** How long an opened key stays in memory, in milliseconds; default a minute. */
  readonly keepMs?: number;
  /** The most opened keys in memory; default 10,000. */
  readonly keepMost?: number;
}

export interface DataKeys {
  /**
   * Runs `work` with a user's key. It is synchronous, so that the key can't be overwritten while
   * it is in use; it must keep no reference to the key.
   * @returns undefined where the user has no key and `make` is false
   * @throws UnwrapError
   */
  use<T extends object | string>(
    userId: number,
    make: boolean,
    work: (key: Uint8Array) => T,
  ): Promise<T | undefined>;
  /**
   * Puts aside a data key whose KEK the ring has lost, so that the next use makes another.
   * @param note runs in the same transaction
   * @returns whether there was such a one
   */
  renew(userId: number, note: (tx: Queryable) => Promise<void>): Promise<boolean>;
  /**
   * Tries the data keys that were put aside.
   * @param work returns undefined where the key is not the right one
   * @returns `missing`: the ring still lacks the KEK of one of them
   */
  useLost<T extends object>(
    userId: number,
    work: (key: Uint8Array) => T | undefined,
  ): Promise<{ readonly found: T | undefined; readonly missing: boolean }>;
  /** Overwrites the opened key now. */
  forget(userId: number): void;
}

interface OpenedKey {
  readonly bytes: Uint8Array;
  readonly until: number;
  overwritten: boolean;
}

export function createDataKeys(parts: DataKeysParts): DataKeys {
  const { db, ring, keepMs = 60_000, keepMost = 10_000 } = parts;
  /** In the order in which they were opened, which is the order in which they expire. */
  const opened = new Map<number, OpenedKey>();
  const opening = new Map<number, Promise<OpenedKey | undefined>>();
  const making = new Map<number, Promise<void>>();
  let sweep: NodeJS.Timeout | undefined;

  function drop(userId: number, key: OpenedKey): void {
    key.overwritten = true;
    key.bytes.fill(0);
    if (opened.get(userId) === key) opened.delete(userId);
  }

  function dropExpired(): void {
    sweep = undefined;
    const now = performance.now();
    for (const [userId, key] of opened) {
      if (key.until > now) {
        // Does not keep the process alive: its end drops the keys as well.
        sweep = setTimeout(dropExpired, key.until - now + 1).unref();
        return;
      }
      drop(userId, key);
    }
  }

  function keep(userId: number, key: OpenedKey): void {
    opened.set(userId, key);
    for (const [oldest, old] of opened) {
      if (opened.size <= keepMost) break;
      drop(oldest, old);
    }
    if (sweep === undefined) dropExpired();
  }

  async function readAndUnwrap(userId: number): Promise<OpenedKey | undefined> {
    const [row] = await db
      .select({ kid: dataKeys.kid, wrapped: dataKeys.wrapped })
      .from(dataKeys)
      .where(eq(dataKeys.userId, userId));
    if (row === undefined) return undefined;
    const bytes = await ring.unwrap(row.wrapped, row.kid, { userId });
    return { bytes, until: performance.now() + keepMs, overwritten: false };
  }

  /** One read at a time for each user, however many ask. */
  function openKey(userId: number): Promise<OpenedKey | undefined> {
    const running = opening.get(userId);
    if (running !== undefined) return running;
    const started = readAndUnwrap(userId)
      .then((key) => {
        if (key === undefined) return undefined;
        // Forgotten meanwhile: what was read may be gone from the database by now.
        if (opening.get(userId) === started) keep(userId, key);
        else drop(userId, key);
        return key;
      })
      .finally(() => {
        if (opening.get(userId) === started) opening.delete(userId);
      });
    opening.set(userId, started);
    return started;
  }

  async function insertFresh(userId: number): Promise<void> {
    const fresh = randomBytes(DATA_KEY_BYTES);
    const wrapped = await ring.wrap(fresh, { userId });
    fresh.fill(0);
    await db.transaction(async (tx) => {
      // Its KEK may be retired meanwhile: then nothing may be kept under it any more.
      await lockUse(tx, 'shared');
      if ((await retiredAmong(tx, [wrapped.kid])).length > 0) {
        throw new KeyRingError(
          `The key ring of this process is out of date: its key ${wrapped.kid} has been retired. Give it a copy of the ring that the others use.`,
        );
      }
      // Another process may be first: its key is the one that counts, and is read back.
      await tx
        .insert(dataKeys)
        .values({ userId, ...wrapped })
        .onConflictDoNothing();
    });
  }

  function makeKey(userId: number): Promise<void> {
    const running = making.get(userId);
    if (running !== undefined) return running;
    const started = insertFresh(userId).finally(() => making.delete(userId));
    making.set(userId, started);
    return started;
  }

  return {
    async use(userId, make, work) {
      for (;;) {
        const kept = opened.get(userId);
        if (kept !== undefined && kept.until > performance.now()) return work(kept.bytes);
        const key = await openKey(userId);
        // Overwritten before its turn came (forgotten, or one too many): read it again.
        if (key?.overwritten) continue;
        if (key !== undefined) return work(key.bytes);
        if (!make) return undefined;
        await makeKey(userId);
      }
    },

    async renew(userId, note) {
      const renewed = await db.transaction(async (tx) => {
        const [row] = await tx
          .select()
          .from(dataKeys)
          .where(eq(dataKeys.userId, userId))
          .for('update');
        if (row === undefined || !(await isLost(ring, row))) return false;
        await tx.insert(lostDataKeys).values({ userId, kid: row.kid, wrapped: row.wrapped });
        await tx.delete(dataKeys).where(eq(dataKeys.userId, userId));
        await note(tx);
        return true;
      });
      if (renewed) forget(userId);
      return renewed;
    },

    async useLost(userId, work) {
      const rows = await db.select().from(lostDataKeys).where(eq(lostDataKeys.userId, userId));
      let missing = false;
      for (const row of rows) {
        const key = await ring.unwrap(row.wrapped, row.kid, { userId }).catch((error: unknown) => {
          if (!(error instanceof UnwrapError)) throw error;
          missing ||= error.code === 'unknown-kek';
          return undefined;
        });
        if (key === undefined) continue;
        const found = work(key);
        key.fill(0);
        if (found !== undefined) return { found, missing: false };
      }
      return { found: undefined, missing };
    },

    forget,
  };

  function forget(userId: number): void {
    opening.delete(userId);
    const key = opened.get(userId);
    if (key !== undefined) drop(userId, key);
  }
}

/** Never taken for lost: what merely does not open, or a service that is away. */
async function isLost(ring: KeyRing, row: typeof dataKeys.$inferSelect): Promise<boolean> {
  try {
    (await ring.unwrap(row.wrapped, row.kid, { userId: row.userId })).fill(0);
    return false;
  } catch (error) {
    if (!(error instanceof UnwrapError)) throw error;
    return error.code === 'unknown-kek';
  }
}
