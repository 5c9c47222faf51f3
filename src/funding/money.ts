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

/** The first day of the house's month: `2026-11-01`. */
export function houseMonth(now: Date): string {
  return `${now.toISOString().slice(0, 7)}-01`;
}

/** When the house's next month begins. */
export function nextHouseMonth(now: Date): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
}

/**
 * The sum that somebody wrote, in micros: `2.50`, `$20`, `0,5`.
 * @returns undefined where it is no sum of money, is nothing, or is more than a million dollars
 */
export function parseUsd(text: string): number | undefined {
  // No thousands: whether `1,000` means one or a thousand is not ours to guess.
  const match = /^\$?(\d{1,7})(?:[.,](\d{1,2}|\d{4,6}))?\$?$/.exec(text.trim());
  if (match === null) return undefined;
  const [, whole = '', fraction = ''] = match;
  const micros = Number(whole) * MICROS_PER_USD + Number(fraction.padEnd(6, '0'));
  return micros > 0 && micros <= 1_000_000 * MICROS_PER_USD ? micros : undefined;
}
