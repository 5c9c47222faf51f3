/** What the options of `voucher create` take: whatever else is one sentence. */

import { InvalidArgumentError } from 'commander';
import { DateTime } from 'luxon';
import { formatUsd, MICROS_PER_USD, parseUsd } from '../funding/money.ts';
import { StartError } from '../start-error.ts';

const MOST_CODES = 10_000;
const MOST_USES = 100_000;
const MOST_NAME = 60;
const MOST_YEARS = 10;
/** Of all uses of all codes together, in micros: whoever typed more has mistyped. */
const MOST_MICROS = 1_000_000 * MICROS_PER_USD;

export const parseCount = (text: string): number => wholeNumber(text, MOST_CODES);
export const parseUses = (text: string): number => wholeNumber(text, MOST_USES);

function wholeNumber(text: string, most: number): number {
  const number = Number(text);
  if (!/^\d{1,7}$/.test(text) || number < 1 || number > most) {
    throw new InvalidArgumentError(`It is a whole number from 1 to ${most}.`);
  }
  return number;
}

/** @returns micros */
export function parseSum(text: string): number {
  const micros = parseUsd(text);
  if (micros === undefined) {
    throw new InvalidArgumentError('It is a sum in dollars above 0, such as 1 or 0.20.');
  }
  return micros;
}

/** A day counts to its end, in UTC. */
export function parseExpires(text: string, now = new Date()): Date {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const isMoment = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?Z$/.test(text);
  const read = DateTime.fromISO(text, { zone: 'utc' });
  if ((!isDay && !isMoment) || !read.isValid) {
    throw new InvalidArgumentError(
      'It is a day, such as 2030-12-31, or a time in UTC, such as 2030-12-31T18:00Z.',
    );
  }
  const at = isDay ? read.plus({ days: 1 }) : read;
  if (at.toMillis() <= now.getTime()) throw new InvalidArgumentError('That is over already.');
  if (at > DateTime.fromJSDate(now).plus({ years: MOST_YEARS })) {
    throw new InvalidArgumentError(`That is more than ${MOST_YEARS} years from now.`);
  }
  return at.toJSDate();
}

export function parseName(text: string): string {
  const name = text.trim();
  if (name === '' || name.length > MOST_NAME || /\p{C}/u.test(name)) {
    throw new InvalidArgumentError(`It takes 1 to ${MOST_NAME} characters.`);
  }
  return name;
}

/** One option or several, each with one name or several between commas. */
export function parseModels(text: string, before: readonly string[] = []): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => !/^[a-z]+\/\S{1,150}$/.test(name))) {
    throw new InvalidArgumentError('It is provider/model, such as openai/gpt-5.4-mini.');
  }
  return [...new Set([...before, ...names])];
}

/** @throws StartError */
export function checkTotal(codes: number, uses: number, micros: number): number {
  const total = codes * uses * micros;
  if (total > MOST_MICROS) {
    throw new StartError(
      `Together they would be worth more than ${formatUsd(MOST_MICROS)}: look at --count, --uses and --usd again.`,
    );
  }
  return total;
}
