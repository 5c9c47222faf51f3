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
