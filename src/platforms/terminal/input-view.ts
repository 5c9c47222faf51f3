/** How the line being typed is laid out below the lasting lines. */

import type { Bottom, Size } from './screen.ts';
import { maskKeys } from './secrets.ts';
import { type Span, span } from './style.ts';
import { visible } from './visible.ts';
import { graphemeWidth, splitGraphemes } from './width.ts';

export const PROMPT = '› ';
/** In UTF-16 units: of a longer text, what is around the cursor is laid out. */
const MAX_LAID_OUT = 4000;

export interface TypedLine {
  readonly text: string;
  readonly cursor: number;
}

export function layoutInput(typed: TypedLine, size: Size): Bottom {
  const from = Math.max(typed.cursor - MAX_LAID_OUT / 2, 0);
  const text = maskKeys(typed.text).slice(from, from + MAX_LAID_OUT);
  const cursorAt = typed.cursor - from;
  const rows: string[] = [PROMPT];
  let column = PROMPT.length;
  let offset = 0;
  let cursor: { row: number; column: number } | undefined;
  const breakRow = () => {
    rows.push(' '.repeat(PROMPT.length));
    column = PROMPT.length;
  };
  for (const grapheme of splitGraphemes(text)) {
    const isBreak = grapheme === '\n';
    const shown = isBreak ? '' : visible(grapheme.replace('\t', '    '));
    const width = shown.trim() === '' ? shown.length : graphemeWidth(shown);
    // One column stays free for the cursor behind the last character.
    if (!isBreak && column + width >= size.columns) breakRow();
    if (cursor === undefined && offset >= cursorAt) cursor = { row: rows.length - 1, column };
    offset += grapheme.length;
    if (isBreak) breakRow();
    else rows.push(`${rows.pop() ?? ''}${shown}`);
    column += isBreak ? 0 : width;
  }
  cursor ??= { row: rows.length - 1, column };
  return around(rows, cursor, Math.max(Math.floor(size.rows / 2), 2));
}

function around(rows: readonly string[], cursor: Bottom['cursor'], limit: number): Bottom {
  const first = Math.min(
    Math.max(cursor.row - Math.floor(limit / 2), 0),
    Math.max(rows.length - limit, 0),
  );
  const spans = rows.slice(first, first + limit).map((row, index): Span[] => {
    if (first + index > 0) return [span(row)];
    return [span(PROMPT, 'user', 'bold'), span(row.slice(PROMPT.length))];
  });
  return { rows: spans, cursor: { row: cursor.row - first, column: cursor.column } };
}
