import { describe, expect, test } from 'vitest';
import type { PoolSettings } from '../../src/pools/pool-settings.ts';
import { endOf, USUAL_SETTINGS } from '../../src/pools/pool-settings.ts';
import { poolWindow, windowBefore, zoneChange } from '../../src/pools/pool-windows.ts';

const at = (text: string) => new Date(text);
const in_ = (zone: string, nextZone: PoolSettings['nextZone'] = null) => ({ zone, nextZone });
const hours = ({ starts, ends }: { starts: Date; ends: Date | null }) =>
  ((ends?.getTime() ?? 0) - starts.getTime()) / 3_600_000;

describe('windows by the owner’s clock', () => {
  test('the month turns at the owner’s midnight, not at UTC’s', () => {
    const berlin = in_('Europe/Berlin');
    const before = poolWindow(berlin, 'month', at('2026-11-30T22:59:59Z'));
    const after = poolWindow(berlin, 'month', at('2026-11-30T23:00:00Z'));
    expect(before.ends).toEqual(after.starts);
    expect(after.starts).toEqual(at('2026-11-30T23:00:00Z'));
    expect(windowBefore(berlin, 'month', after)).toEqual(before);
  });

  test('a day on which clocks change has 23 or 25 hours, and an hour that comes twice two windows', () => {
    const berlin = in_('Europe/Berlin');
    expect(hours(poolWindow(berlin, 'day', at('2026-03-29T12:00:00Z')))).toBe(23);
    expect(hours(poolWindow(berlin, 'day', at('2026-10-25T12:00:00Z')))).toBe(25);
    const first = poolWindow(berlin, 'hour', at('2026-10-25T00:30:00Z'));
    const second = poolWindow(berlin, 'hour', at('2026-10-25T01:30:00Z'));
    expect(first.starts).not.toEqual(second.starts);
    expect([hours(first), hours(second)]).toEqual([1, 1]);
    // March has 743 hours there.
    expect(hours(poolWindow(berlin, 'month', at('2026-03-10T00:00:00Z')))).toBe(743);
  });

  test.each([
    ['Pacific/Kiritimati', 'Pacific/Pago_Pago'],
    ['Pacific/Pago_Pago', 'Pacific/Kiritimati'],
    ['UTC', 'Europe/Berlin'],
    ['Europe/Berlin', 'Asia/Kolkata'],
  ])('from %s to %s, the open month goes on until the new one begins', (zone, other) => {
    const now = at('2026-11-21T12:00:00Z');
    const next = zoneChange(other, now);
    const zones = in_(zone, next);
    const open = poolWindow(zones, 'month', now);
    expect(open.starts).toEqual(poolWindow(in_(zone), 'month', now).starts);
    expect(open.ends).toEqual(at(next.from));
    const months = new Set<number>();
    for (let hour = 0; hour < 24 * 40; hour += 1) {
      const moment = new Date(now.getTime() + hour * 3_600_000);
      const window = poolWindow(zones, 'month', moment);
      expect(window.starts <= moment && moment < (window.ends ?? moment)).toBe(true);
      months.add(window.starts.getTime());
    }
    // November, December, and no scrap between them.
    expect(months.size).toBeLessThanOrEqual(3);
    expect([...months].filter((start) => start < at(next.from).getTime())).toHaveLength(1);
  });

  test('the last day is whole', () => {
    const settings = { ...USUAL_SETTINGS, models: ['m'], zone: 'Europe/Berlin' };
    expect(endOf({ ...settings, lastDay: '2026-12-31' })).toEqual(at('2026-12-31T23:00:00Z'));
    expect(endOf({ ...settings, lastDay: null })).toBeUndefined();
  });
});
