/** The operator's switch: while the house is paused, it pays for nobody, in any process. */

import { z } from 'zod';
import type { Database } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';
import { readFact } from '../db/installation.ts';

/** Who paused the house, and when. */
export interface Paused {
  readonly since: Date;
  /** `shell`, or the operator's `platform:ID`. */
  readonly by: string;
}

export interface HousePause {
  /** As this process knows it: after a change elsewhere, some milliseconds late, at most {@link READ_EVERY_MS}. */
  readonly isPaused: boolean;
  /** Reads it now; never throws. */
  refresh(): Promise<void>;
  stop(): Promise<void>;
}

/** In `installation`. */
const NAME = 'house-paused';
const CHANNEL = 'latchkey_house';
/** For what NOTIFY does not bring: a connection that was lost meanwhile. In milliseconds. */
const READ_EVERY_MS = 5_000;

const stored = z.object({ since: z.coerce.date(), by: z.string() });

/** @returns undefined: it is not paused */
export async function readHousePause(db: Database): Promise<Paused | undefined> {
  const value = await readFact(db, NAME);
  return value === undefined ? undefined : stored.parse(value);
}

/** @returns false: it was paused before, by somebody else perhaps, and stays so */
export async function pauseHouse(db: Database, by: string, now = new Date()): Promise<boolean> {
  const value = JSON.stringify({ since: now.toISOString(), by });
  const changed = await db.execute(sql`
    with changed as (
      insert into installation (name, value) values (${NAME}, ${value}::text::jsonb)
      on conflict (name) do nothing returning name
    )
    select name, pg_notify(${CHANNEL}, '') from changed`);
  return changed.length > 0;
}

/** @returns false: it was not paused */
export async function resumeHouse(db: Database): Promise<boolean> {
  const changed = await db.execute(sql`
    with changed as (delete from installation where name = ${NAME} returning name)
    select name, pg_notify(${CHANNEL}, '') from changed`);
  return changed.length > 0;
}

/** Follows the switch. While the database can't be asked, the last that is known holds. */
export async function watchHousePause({
  db,
  listen,
  everyMs = READ_EVERY_MS,
  onError,
}: {
  readonly db: Database;
  readonly listen: (channel: string, heard: () => void) => Promise<() => Promise<void>>;
  readonly everyMs?: number;
  readonly onError: (error: unknown) => void;
}): Promise<HousePause> {
  let isPaused = (await readHousePause(db)) !== undefined;
  let asked = 0;
  let read: Promise<void> = Promise.resolve();
  const readAgain = () => {
    asked += 1;
    const mine = asked;
    read = readHousePause(db)
      .then((paused) => {
        // An older reading that comes late is not the newer one's.
        if (mine === asked) isPaused = paused !== undefined;
      })
      .catch(onError);
  };
  const unlisten = await listen(CHANNEL, readAgain);
  const timer = setInterval(readAgain, everyMs).unref();
  // What was said between the first reading and the first listening.
  readAgain();
  return {
    get isPaused() {
      return isPaused;
    },
    async refresh() {
      readAgain();
      await read;
    },
    async stop() {
      clearInterval(timer);
      await unlisten();
      await read;
    },
  };
}
