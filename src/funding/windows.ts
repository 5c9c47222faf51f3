/** The windows of time in which budgets are counted. */

import { DateTime } from 'luxon';

export type Period = 'hour' | 'day' | 'week' | 'month' | 'total';

/** A budget's window. A total has one, which never ends. */
export interface Window {
  readonly period: Period;
  readonly starts: Date;
  /** When the next begins. */
  readonly ends: Date | null;
}

const EVER: Window = { period: 'total', starts: new Date(0), ends: null };

/**
 * The window that a moment is in. Weeks begin on Monday.
 * @param zone an IANA time zone; the house's is UTC
 */
export function windowOf(period: Period, at: Date, zone = 'UTC'): Window {
  if (period === 'total') return EVER;
  const starts = DateTime.fromJSDate(at, { zone }).startOf(period);
  return { period, starts: starts.toJSDate(), ends: starts.plus({ [period]: 1 }).toJSDate() };
}

/**
 * The window in which something is counted now: one that has begun stays as it is until it ends, so
 * that another time zone neither shortens it nor begins it anew.
 * @param last when the newest window that was counted in began; undefined: there was none
 */
export function runningWindow(
  period: Exclude<Period, 'total'>,
  at: Date,
  zone: string,
  last: Date | undefined,
): Window {
  if (last !== undefined && last <= at) {
    const ends = DateTime.fromJSDate(last, { zone })
      .plus({ [period]: 1 })
      .toJSDate();
    if (at < ends) return { period, starts: last, ends };
  }
  return windowOf(period, at, zone);
}
