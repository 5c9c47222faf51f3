/** Cuts lines and blocks of code that are too long for what room there is. */

import { fenced } from './escape.ts';
import { type Token, writeLine } from './line.ts';
import type { CodeUnit, LineUnit } from './unit.ts';

export interface CutLine {
  /** Undefined where nothing fits. */
  readonly head: LineUnit | undefined;
  readonly rest: LineUnit;
}

/** @param room UTF-16 code units */
export function cutLine(unit: LineUnit, room: number): CutLine {
  const most = fitting(Math.min(unit.tokens.length, room), (count) => {
    return writeLine(unit.prefix, unit.tokens.slice(0, count)).length <= room;
  });
  const at = wordEnd(unit.tokens, most);
  if (at === 0) return { head: undefined, rest: unit };
  const left = unit.tokens.slice(isSpace(unit.tokens[at]) ? at + 1 : at);
  const rest = { ...unit, gap: 1, prefix: unit.hang, tokens: left };
  return { head: { ...unit, tokens: unit.tokens.slice(0, at) }, rest };
}

/** The last of a line. */
export function lastOfLine(unit: LineUnit, room: number): LineUnit | undefined {
  const { length } = unit.tokens;
  const count = fitting(Math.min(length, room), (last) => {
    return writeLine(unit.hang, unit.tokens.slice(length - last)).length <= room;
  });
  const from = isSpace(unit.tokens[length - count]) ? length - count + 1 : length - count;
  return from >= length
    ? undefined
    : { ...unit, prefix: unit.hang, tokens: unit.tokens.slice(from) };
}

/** The greatest number up to `most` that fits, where what fits with more fits with less. */
function fitting(most: number, fits: (count: number) => boolean): number {
  let low = 0;
  let high = most;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The last place up to `most` where a word ends, if that is not far. */
function wordEnd(tokens: readonly Token[], most: number): number {
  if (most === tokens.length) return most;
  for (let at = most; at > most / 2; at -= 1) {
    if (isSpace(tokens[at]) || isSpace(tokens[at - 1])) return at;
  }
  return most;
}

function isSpace(token: Token | undefined): boolean {
  return token?.kind === 'text' && token.text.trim() === '';
}

export interface CutCode {
  readonly head: CodeUnit | undefined;
  readonly rest: CodeUnit;
}

/** At the end of a line, else between two characters. */
export function cutCode(unit: CodeUnit, room: number): CutCode {
  const { content, language } = unit;
  const fits = (length: number) => fenced(content.slice(0, length), language).length <= room;
  const most = fitting(Math.min(content.length, room), fits);
  if (most === 0) return { head: undefined, rest: unit };
  const line = content.lastIndexOf('\n', most);
  const at = line > 0 ? line : wholeCharacter(content, most);
  if (at === 0) return { head: undefined, rest: unit };
  const rest = content.slice(line > 0 ? at + 1 : at);
  return {
    head: { ...unit, content: content.slice(0, at) },
    rest: { ...unit, gap: 1, content: rest },
  };
}

export function lastOfCode(unit: CodeUnit, room: number): CodeUnit | undefined {
  const { content, language } = unit;
  const count = fitting(Math.min(content.length, room), (last) => {
    return fenced(content.slice(content.length - last), language).length <= room;
  });
  const from = content.length - count;
  const line = content.indexOf('\n', from);
  const at = line === -1 || line - from > count / 2 ? after(content, from) : line + 1;
  const last = content.slice(at);
  return last.trim() === '' ? undefined : { ...unit, content: last };
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** UTF-16 code units on either side: enough to see most characters whole. */
const AROUND = 64;

function wholeCharacter(text: string, at: number): number {
  if (at >= text.length) return text.length;
  const from = after(text, Math.max(0, at - AROUND));
  const near = graphemes.segment(text.slice(from, at + AROUND)).containing(at - from);
  const boundary = near === undefined ? at : from + near.index;
  if (boundary > 0 && boundary > at - AROUND) return boundary;
  return isSecondHalf(text, at) ? at - 1 : at;
}

function after(text: string, at: number): number {
  return isSecondHalf(text, at) ? at + 1 : at;
}

function isSecondHalf(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff;
}
