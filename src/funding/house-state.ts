/** Whether the house pays, and what of its day is used, for its operator. */

import type { Database } from '../db/client.ts';
import { budgetStates, HOUSE } from './budgets.ts';
import { type Paused, readHousePause } from './house-pause.ts';
import { windowOf } from './windows.ts';

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
  const window = windowOf('day', now);
  const [paused, [used]] = await Promise.all([
    readHousePause(db),
    budgetStates(db, [{ holder: HOUSE, window }]),
  ]);
  return {
    paused,
    spentMicros: used?.spentMicros ?? 0,
    reservedMicros: used?.reservedMicros ?? 0,
    limitMicros,
    resetsAt: window.ends ?? now,
  };
}
