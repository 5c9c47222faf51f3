/** Styled text: the only place that writes colours, and the gate through which all text passes. */

import { visible } from './visible.ts';
import { graphemeWidth, splitGraphemes, textWidth } from './width.ts';

export type Style = 'bold' | 'italic' | 'dim' | 'underline' | 'strike' | 'code' | 'user';

/** A run of text in one look. The text may be anybody's: {@link paint} makes it harmless. */
export interface Span {
  readonly text: string;
  readonly styles: readonly Style[];
}

/** A line to print, not yet cut to a width. */
export interface Line {
  readonly spans: readonly Span[];
  /** Columns by which further rows are indented when it is wrapped; absent: never wrap it. */
  readonly hang?: number;
}

/** Select Graphic Rendition: on and off. */
const CODES: Record<Style, readonly [on: number, off: number]> = {
  bold: [1, 22],
  dim: [2, 22],
  italic: [3, 23],
  underline: [4, 24],
  strike: [9, 29],
  code: [36, 39],
  user: [32, 39],
};

export const BLANK: Line = { spans: [] };

export function span(text: string, ...styles: Style[]): Span {
  return { text, styles };
}

export function line(...spans: Span[]): Line {
  return { spans, hang: 0 };
}

/** The characters that go to the terminal: escape sequences are only those of the styles. */
export function paint(spans: readonly Span[], color: boolean): string {
  let painted = '';
  for (const { text, styles } of spans) {
    const shown = visible(text);
    if (shown === '') continue;
    if (!color) {
      painted += shown;
      continue;
    }
    const on = styles.map((style) => `\u001b[${CODES[style][0]}m`).join('');
    const off = styles.map((style) => `\u001b[${CODES[style][1]}m`).join('');
    painted += on + shown + off;
  }
  return painted;
}

/** Columns of what {@link paint} makes; a tab is counted as reaching the next multiple of eight. */
export function spansWidth(spans: readonly Span[]): number {
  const text = visible(spans.map((part) => part.text).join(''));
  if (!text.includes('\t')) return textWidth(text);
  let width = 0;
  for (const [index, piece] of text.split('\t').entries()) {
    if (index > 0) width += 8 - (width % 8);
    width += textWidth(piece);
  }
  return width;
}

/**
 * Cuts a line into rows of at most `columns`, between words, or between any two characters in
 * scripts that are written without spaces. A longer word (an address, say) stays in one piece: the
 * terminal wraps it, and it can still be copied.
 */
export function wrap(whole: Line, columns: number): (readonly Span[])[] {
  const { spans, hang } = whole;
  if (hang === undefined || spansWidth(spans) <= columns) return [spans];
  const indent = hang < columns / 2 ? hang : 0;
  const rows: Span[][] = [];
  let row: Span[] = [];
  let used = 0;
  let fresh = true;
  /** The space before the next word; it goes where the line is broken, and at the end. */
  let gap: Token | undefined;
  for (const token of tokens(spans)) {
    if (token.space) {
      gap = token;
      continue;
    }
    if (!fresh && used + (gap?.width ?? 0) + token.width > columns) {
      rows.push(row);
      row = indent > 0 ? [span(' '.repeat(indent))] : [];
      used = indent;
      gap = undefined;
    }
    row.push(...(gap?.spans ?? []), ...token.spans);
    used += (gap?.width ?? 0) + token.width;
    gap = undefined;
    fresh = false;
  }
  rows.push(row);
  return rows;
}

interface Token {
  readonly spans: Span[];
  readonly width: number;
  readonly space: boolean;
}

/** Words, gaps, and single wide characters; a word may change its style in the middle. */
function* tokens(spans: readonly Span[]): Generator<Token> {
  let word: Span[] = [];
  let width = 0;
  const flush = function* (): Generator<Token> {
    if (word.length > 0) yield { spans: word, width, space: false };
    word = [];
    width = 0;
  };
  for (const { text, styles } of spans) {
    for (const piece of visible(text).split(/([ \t]+)/)) {
      if (piece === '') continue;
      if (/^[ \t]/.test(piece)) {
        yield* flush();
        const gap = piece.replaceAll('\t', '    ');
        yield { spans: [{ text: gap, styles }], width: gap.length, space: true };
        continue;
      }
      let run = '';
      for (const grapheme of splitGraphemes(piece)) {
        const columns = graphemeWidth(grapheme);
        if (columns < 2) {
          run += grapheme;
          width += columns;
          continue;
        }
        if (run !== '') word.push({ text: run, styles });
        run = '';
        yield* flush();
        yield { spans: [{ text: grapheme, styles }], width: columns, space: false };
      }
      if (run !== '') word.push({ text: run, styles });
    }
  }
  yield* flush();
}
