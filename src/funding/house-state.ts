/** Whether the house pays, and what of its day is used, for its operator. */

import type { Database } from '../db/client.ts';
import { budgetStates, HOUSE } from './budgets.ts';
import { type Paused, readHousePause } from './house-pause.ts';
import { nextHouseDay } from './money.ts';
import { windowOf } from './windows.ts';

export interface HouseToday {
  /** In micros; what is reserved for running turns is not in it. */
  readonly spentMicros: number;
  readonly reservedMicros: number;
}

/** What the house has spent on everybody together since midnight (UTC). */
export async function houseToday(db: Database, now = new Date()): Promise<HouseToday> {
  const [state] = await budgetStates(db, [{ holder: HOUSE, window: windowOf('day', now) }]);
  return { spentMicros: state?.spentMicros ?? 0, reservedMicros: state?.reservedMicros ?? 0 };
}

export interface HouseState extends HouseToday {
  /** Undefined: it pays. */
  readonly paused: Paused | undefined;
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
