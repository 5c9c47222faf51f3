/** What messages are made of: lines, and blocks of code. */

import { fenced } from './escape.ts';
import { type Token, writeLine } from './line.ts';

export interface LineUnit {
  readonly type: 'line';
  /** Newlines before it, where something stands before it: 1 or 2. */
  readonly gap: number;
  /** Source: quotation mark, indentation, bullet, heading. */
  readonly prefix: string;
  /** The prefix of what is left of the line when it has to be cut. */
  readonly hang: string;
  readonly tokens: readonly Token[];
  /** It belongs to what follows. */
  readonly isHeading: boolean;
}

export interface CodeUnit {
  readonly type: 'code';
  readonly gap: number;
  /** Empty where none was given. */
  readonly language: string;
  readonly content: string;
}

export type Unit = LineUnit | CodeUnit;

export function sourceOf(unit: Unit): string {
  return unit.type === 'code'
    ? fenced(unit.content, unit.language)
    : writeLine(unit.prefix, unit.tokens);
}
