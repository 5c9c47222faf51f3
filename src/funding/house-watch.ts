/** Tells the operator how the house's day goes: each thing once a day, whichever process sees it. */

import type { Database } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';
import type { HouseSpent } from './funding.ts';
import { houseToday } from './house-state.ts';
import { houseDay } from './money.ts';

/** In hundredths of the day. */
const LEVELS = [50, 80, 100] as const;

export type HouseWarning =
  | { readonly warning: 'house-day'; readonly percent: (typeof LEVELS)[number] }
  | { readonly warning: 'new-users-used' }
  /** Of a day that is handed out by the hour. */
  | { readonly warning: 'hour-used' };

export interface HouseWatch {
  /** After a turn that the house paid for was settled. Never throws. */
  look(spent: HouseSpent): Promise<void>;
  /** After a turn that the house refused. Never throws. */
  refused(outcome: string): Promise<void>;
}

export interface HouseWatchParts {
  readonly db: Database;
  /** HOUSE_DAILY_USD, in micros. */
  readonly houseMicrosPerDay: number;
  readonly warn: (
    what: HouseWarning,
    facts: { readonly day: string; readonly spentMicros: number; readonly limitMicros: number },
  ) => void;
  readonly onError: (error: unknown) => void;
  readonly now?: () => Date;
}

export function createHouseWatch({
  db,
  houseMicrosPerDay: limitMicros,
  warn,
  onError,
  now = () => new Date(),
}: HouseWatchParts): HouseWatch {
  /** What this process knows to be told, as `day warning`. */
  const told = new Set<string>();

  const used = async () => (await houseToday(db, now())).spentMicros;

  async function tell(what: HouseWarning, name: string, spentMicros: number): Promise<void> {
    const day = houseDay(now());
    if (told.has(`${day} ${name}`)) return;
    const first = await db.execute(sql`
      with old as (delete from house_warnings where day < ${day}::date - 7)
      insert into house_warnings (day, warning) values (${day}::date, ${name})
      on conflict do nothing returning warning`);
    if (![...told].some((known) => known.startsWith(day))) told.clear();
    told.add(`${day} ${name}`);
    if (first.length > 0) warn(what, { day, spentMicros, limitMicros });
  }

  /** Of several that were passed at once the highest is told. */
  async function tellLevel(percent: (typeof LEVELS)[number], spentMicros: number): Promise<void> {
    await tell({ warning: 'house-day', percent }, `${percent}`, spentMicros);
    const day = houseDay(now());
    for (const lower of LEVELS.filter((level) => level < percent)) {
      if (told.has(`${day} ${lower}`)) continue;
      await db.execute(sql`
        insert into house_warnings (day, warning) values (${day}::date, ${`${lower}`})
        on conflict do nothing`);
      told.add(`${day} ${lower}`);
    }
  }

  return {
    async look({ spentMicros, starts }) {
      // A turn that began before midnight counts in a day that is over.
      if (houseDay(starts) !== houseDay(now())) return;
      try {
        const level = LEVELS.findLast((percent) => spentMicros * 100 >= limitMicros * percent);
        if (level !== undefined) await tellLevel(level, spentMicros);
      } catch (error) {
        onError(error);
      }
    },

    async refused(outcome) {
      try {
        // What is left of the day may be too little for one more answer.
        if (outcome === 'house-used') await tellLevel(100, await used());
        if (outcome === 'new-users-used') {
          await tell({ warning: 'new-users-used' }, 'new-users', await used());
        }
        if (outcome === 'house-hour-used') {
          await tell({ warning: 'hour-used' }, 'hour', await used());
        }
      } catch (error) {
        onError(error);
      }
    },
  };
}
