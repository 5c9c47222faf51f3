/** The windows in which a pool's budgets are counted: by the clock of its owner. */

import { type Window, windowOf } from '../funding/windows.ts';
import type { PoolSettings, PoolWindow } from './pool-settings.ts';

type Zones = Pick<PoolSettings, 'zone' | 'nextZone'>;

/** More than any two zones are apart, in milliseconds. */
const APART_MS = 28 * 3_600_000;

/**
 * Where another zone is to come, the month that is open goes on until the new zone's month begins:
 * a change opens no month of a few hours with a budget of its own.
 */
export function poolWindow({ zone, nextZone }: Zones, period: PoolWindow, at: Date): Window {
  if (nextZone === null) return windowOf(period, at, zone);
  const from = new Date(nextZone.from);
  if (at >= from) return windowOf(period, at, nextZone.zone);
  const usual = windowOf(period, at, zone);
  if (period !== 'month') return usual;
  const turn = monthTurn(zone, from).getTime();
  const open =
    usual.starts.getTime() === turn ? windowOf('month', new Date(turn - 1), zone) : usual;
  return open.ends?.getTime() === turn ? { ...open, ends: from } : open;
}

/** The window before this one. */
export function windowBefore(zones: Zones, period: PoolWindow, window: Window): Window {
  return poolWindow(zones, period, new Date(window.starts.getTime() - 1));
}

/** As of when a zone that is set now counts: the beginning of a month there. */
export function zoneChange(zone: string, now: Date): { zone: string; from: string } {
  const { ends } = windowOf('month', now, zone);
  return { zone, from: (ends ?? now).toISOString() };
}

/** The turn of the old zone's month that is nearest to that of the new one's. */
function monthTurn(zone: string, from: Date): Date {
  const { starts, ends } = windowOf('month', from, zone);
  return ends === null || from.getTime() - starts.getTime() < APART_MS ? starts : ends;
}
