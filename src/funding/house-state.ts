/** Whether the house pays, and what of its day is used, for its operator. */

import type { Database } from '../db/client.ts';
import { houseToday } from './house-left.ts';
import { type Paused, readHousePause } from './house-pause.ts';
import { nextHouseDay } from './money.ts';

export interface HouseState {
  /** Undefined: it pays. */
  readonly paused: Paused | undefined;
  readonly spentMicros: number;
  readonly reservedMicros: number;
  /** HOUSE_DAILY_USD */
  readonly limitMicros: number;
  readonly resetsAt: Date;
}

export async function houseState(
  db: Database,
  limitMicros: number,
  now = new Date(),
): Promise<HouseState> {
  const [paused, today] = await Promise.all([readHousePause(db), houseToday(db, now)]);
  return { ...today, paused, limitMicros, resetsAt: nextHouseDay(now) };
}
