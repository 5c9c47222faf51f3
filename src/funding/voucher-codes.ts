/** The codes of vouchers: readable, not to be guessed, and with a letter that tells a typo. */

import { randomInt } from 'node:crypto';

/** Without letters and digits that are taken for each other. Their number is a prime. */
const LETTERS = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789';
/** Of chance: 84 bits. The last letter of a code is made of them. */
const RANDOM = 17;
const GROUP = 6;

/** `K7MQ2R-9WXTPA-H4ZC3V` */
export function makeVoucherCode(): string {
  const letters = Array.from({ length: RANDOM }, () => LETTERS.charAt(randomInt(LETTERS.length)));
  const code = letters.join('');
  return (code + checkLetter(code)).replace(new RegExp(`.{${GROUP}}(?=.)`, 'g'), '$&-');
}

/**
 * What somebody typed, as it is looked up: without dashes, in large letters.
 * @returns undefined where no code is written like that: any one wrong letter, and any two that
 * changed places, are found so
 */
export function readVoucherCode(text: string): string | undefined {
  const code = text.toUpperCase().replace(/[\s\p{Pd}_]+/gu, '');
  if (code.length !== RANDOM + 1) return undefined;
  if ([...code].some((letter) => !LETTERS.includes(letter))) return undefined;
  return checkLetter(code.slice(0, RANDOM)) === code.charAt(RANDOM) ? code : undefined;
}

/** Each place has a weight of its own below the prime, and none that of the check letter itself. */
function checkLetter(letters: string): string {
  const sum = [...letters].reduce(
    (total, letter, place) => total + LETTERS.indexOf(letter) * (place + 2),
    0,
  );
  return LETTERS.charAt(sum % LETTERS.length);
}
