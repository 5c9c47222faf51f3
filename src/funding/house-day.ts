/** The house's day: how much of it is handed out by now. */

/** The house's day has so many hours: it is UTC's. */
const HOURS = 24;
const HOUR_MS = 3_600_000;

export interface HouseDay {
  /** HOUSE_DAILY_USD, in micros. */
  readonly microsPerDay: number;
  /** Whether it is handed out by the hour. */
  readonly hourly: boolean;
}

export interface HouseShare {
  /** What may be spent of the day until the hour ends: what earlier hours left over is in it. */
  readonly micros: number;
  /** It is the whole day: no later hour of it brings more. */
  readonly isWhole: boolean;
}

export function houseShare({ microsPerDay, hourly }: HouseDay, at: Date): HouseShare {
  const hour = at.getUTCHours() + 1;
  if (!hourly || hour === HOURS) return { micros: microsPerDay, isWhole: true };
  return { micros: Math.floor((microsPerDay / HOURS) * hour), isWhole: false };
}

/** When the next hour begins. */
export function nextHour(at: Date): Date {
  return new Date((Math.floor(at.getTime() / HOUR_MS) + 1) * HOUR_MS);
}
