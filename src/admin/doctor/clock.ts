import { type Finding, ok, warning, wrong } from './finding.ts';

const NOTICEABLE_MS = 5_000;
/** From here on certificates, signed addresses and days of the house go wrong. */
const HARMFUL_MS = 60_000;

export function checkClock(
  readings: readonly { readonly host: string; readonly aheadMs: number }[],
): Finding[] {
  // One of them may be wrong itself: the one in the middle is not, as long as most are right.
  const sorted = readings.toSorted((a, b) => a.aheadMs - b.aheadMs);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) return [];
  const { aheadMs, host } = middle;
  const seconds = Math.abs(Math.round(aheadMs / 1000));
  const says = `This clock is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of ${host}.`;
  const mend = 'Set it, and keep it so: timedatectl set-ntp true, or chrony.';
  if (Math.abs(aheadMs) >= HARMFUL_MS) return [wrong('clock', says, mend)];
  if (Math.abs(aheadMs) >= NOTICEABLE_MS) return [warning('clock', says, mend)];
  return [ok('clock', `It agrees with ${host}.`)];
}
