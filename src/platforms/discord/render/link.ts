/** Addresses: those that are shown, and those behind words. */

import { escapeText } from './escape.ts';

/** UTF-16 code units; longer ones are shown as text. */
const MAX_ADDRESS = 1000;
const ADDRESS = /\bhttps?:\/\/[^\s<>`"|\\]+/gi;
/** What looks like a host to a reader: words around a dot, or a scheme. */
const LOOKS_LIKE_HOST = /[\p{L}\p{N}_-][.\u3002\uff0e\uff61][\p{L}\p{N}_-]|:\/\//u;

export interface Found {
  readonly index: number;
  /** As it stands in the text. */
  readonly text: string;
}

/** Addresses in running text, without the punctuation behind them. */
export function findAddresses(text: string): Found[] {
  if (!text.includes('://')) return [];
  return [...text.matchAll(ADDRESS)].map(({ 0: match, index }) => ({ index, text: trim(match) }));
}

function trim(address: string): string {
  let end = address.length;
  for (;;) {
    const last = address[end - 1] ?? '';
    const opened = address.slice(0, end).includes(last === ')' ? '(' : '[');
    const loose = /[.,:;!?'*_~]/.test(last) || ((last === ')' || last === ']') && !opened);
    if (!loose) return address.slice(0, end);
    end -= 1;
  }
}

/** @returns the source of a link that shows where it leads, or undefined where it may be no link */
export function bareLink(address: string): string | undefined {
  if (parse(address) === undefined || /[\s<>]/.test(address)) return undefined;
  return `<${address.replace(/@(?=everyone|here)/gi, '%40')}>`;
}

/**
 * A link behind words, which must not look as if it led somewhere else.
 * @param label in one line
 * @returns undefined where words and address have to be shown both
 */
export function maskedLink(label: string, address: string): string | undefined {
  const url = parse(address);
  // Discord ends the words at the first bracket, whatever stands before it.
  if (url === undefined || label.trim() === '' || /[[\]]/.test(label)) return undefined;
  if (LOOKS_LIKE_HOST.test(label)) return undefined;
  const target = url.href.replace(
    /[()*_~|\\`<>]|@(?=everyone|here)/gi,
    (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return target.length > MAX_ADDRESS
    ? undefined
    : `[${escapeText(label.trim(), false)}](<${target}>)`;
}

/** A name before the host (`https://known.example@other.example`) would be taken for the host. */
function parse(address: string): URL | undefined {
  if (address.length > MAX_ADDRESS || !/^https?:\/\//i.test(address)) return undefined;
  const url = URL.parse(address);
  return url === null || url.username !== '' || url.password !== '' ? undefined : url;
}
