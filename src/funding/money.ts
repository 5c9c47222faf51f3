/** Money is a whole number of millionths of a dollar ("micros"); a double holds nine billion dollars of them exactly. */

export const MICROS_PER_USD = 1_000_000;

/** `$0.0123`: as many digits as the amount needs, at least two and at most six after the point. */
export function formatUsd(micros: number): string {
  const sign = micros < 0 ? '-' : '';
  const digits = Math.abs(micros).toString().padStart(7, '0');
  const fraction = digits.slice(-6).replace(/0{1,4}$/, '');
  return `${sign}$${digits.slice(0, -6)}.${fraction}`;
}

/** The day of the house, which is UTC's: `2026-11-21`. */
export function houseDay(now: Date): string {
  return now.toISOString().slice(0, 10);
}

/** When the house's next day begins. */
export function nextHouseDay(now: Date): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1));
}
