/** The option `--days` of what looks back. */

import { InvalidArgumentError } from 'commander';

const MOST_DAYS = 366;

/** @throws InvalidArgumentError */
export function parseDaysBack(text: string): number {
  const days = Number(text);
  if (!/^\d{1,3}$/.test(text) || days < 1 || days > MOST_DAYS) {
    throw new InvalidArgumentError(`It takes a whole number of days, 1 to ${MOST_DAYS}.`);
  }
  return days;
}
