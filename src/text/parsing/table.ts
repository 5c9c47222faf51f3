/** Tables as text of fixed width: Telegram has none in entities. */

import type { AlignType } from 'mdast';
import { displayWidth } from './width.ts';

export interface TableText {
  /** The first is the heading. */
  readonly rows: readonly (readonly string[])[];
  readonly align: readonly AlignType[];
}

/** In columns. Wider ones wrap in every client until nothing stands below anything. */
export const MAX_TABLE_WIDTH = 100;

interface Cell {
  readonly text: string;
  readonly width: number;
}

/** @returns lines of equal columns, or undefined where they would be too wide */
export function alignTable({ rows, align }: TableText): string | undefined {
  const cells = rows.map((row) => row.map(toCell));
  const widths: number[] = [];
  for (const row of cells) {
    for (const [column, { width }] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 1, width);
    }
  }
  const total = widths.reduce((sum, width) => sum + width + 3, 0);
  if (total > MAX_TABLE_WIDTH) return undefined;
  const lines = cells.map((row) =>
    widths
      .map((width, column) =>
        pad(row[column] ?? { text: '', width: 0 }, width, align[column] ?? null),
      )
      .join(' | ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('-|-'));
  return lines.join('\n');
}

function toCell(text: string): Cell {
  return { text, width: displayWidth(text) };
}

function pad({ text, width }: Cell, columns: number, align: AlignType): string {
  const space = columns - width;
  const left = align === 'right' ? space : align === 'center' ? space >> 1 : 0;
  return ' '.repeat(left) + text + ' '.repeat(space - left);
}
