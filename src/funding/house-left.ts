import type { Database } from '../db/client.ts';
import { eq } from '../db/drizzle.ts';
import { houseDays } from '../db/schema.ts';
import { houseDay } from './money.ts';

export interface HouseToday {
  /** In micros; what is reserved for running turns is not in it. */
  readonly spentMicros: number;
  readonly reservedMicros: number;
}

/** What the house has spent on everybody together since midnight (UTC). */
export async function houseToday(db: Database, now = new Date()): Promise<HouseToday> {
  const [row] = await db
    .select()
    .from(houseDays)
    .where(eq(houseDays.day, houseDay(now)));
  return { spentMicros: row?.spentMicros ?? 0, reservedMicros: row?.reservedMicros ?? 0 };
}
