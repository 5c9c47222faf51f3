import type { Database } from '../db/client.ts';
import { budgetStates, HOUSE } from './budgets.ts';
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
