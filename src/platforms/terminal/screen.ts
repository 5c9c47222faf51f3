/**
 * The window: lasting lines that scroll up, and below them the bottom (what grows, and the input),
 * which is erased and drawn again with every change. Lasting lines are never touched again, but by
 * {@link Screen.erase} while they are the newest.
 */

import type { Writable } from 'node:stream';
import { PlatformError } from '../../chat/platform.ts';
import { type Line, paint, type Span, spansWidth, wrap } from './style.ts';

export type TerminalOutput = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  /** What Node's terminals tell; it minds NO_COLOR. */
  hasColors?(): boolean;
};

/** What stands below the lasting lines: rows that fit the width, and where the cursor is. */
export interface Bottom {
  readonly rows: readonly (readonly Span[])[];
  readonly cursor: { readonly row: number; readonly column: number };
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface Screen {
  /** Whether it can be drawn upon; else lasting lines are all there is. */
  readonly interactive: boolean;
  readonly color: boolean;
  /** Whether nothing that is printed is seen any more: the terminal was closed, or the pipe. */
  isGone(): boolean;
  size(): Size;
  /** Prints lasting lines. Lines of the same owner in a row are one block for {@link erase}. */
  print(owner: object, lines: readonly Line[]): void;
  /** Whether what was printed last is this owner's. */
  isNewest(owner: object): boolean;
  /** @returns whether everything that the owner printed is gone from the window */
  erase(owner: object): boolean;
  /** Draws the bottom again. */
  refresh(): void;
  /** Erases the bottom for good; lasting lines may still be printed. */
  close(): void;
}

const ESC = '\u001b[';
const CLEAR_BELOW = `${ESC}J`;
const WRAP_OFF = `${ESC}?7l`;
const WRAP_ON = `${ESC}?7h`;
const CURSOR_HIDDEN = `${ESC}?25l`;
const CURSOR_SHOWN = `${ESC}?25h`;

interface Drawn {
  /** Width of each row, in columns. */
  readonly widths: readonly number[];
  readonly cursorRow: number;
}

export function createScreen(
  output: TerminalOutput,
  color: boolean,
  bottom: (size: Size) => Bottom,
): Screen {
  const interactive = output.isTTY === true;
  let drawn: Drawn | undefined;
  let newest: { owner: object; rows: number; columns: number } | undefined;
  /** Owners of whom something stands above what others printed later. */
  const buried = new WeakSet<object>();
  let closed = false;

  const size = (): Size => ({
    columns: Math.max(output.columns ?? 80, 8),
    rows: Math.max(output.rows ?? 24, 4),
  });

  /** To where the bottom begins. Terminals wrap longer rows anew when they become narrower. */
  function eraseBottom(extraRows = 0): string {
    const { columns } = size();
    let up = extraRows;
    if (drawn) {
      up += drawn.cursorRow;
      for (const width of drawn.widths.slice(0, drawn.cursorRow)) {
        up += Math.max(Math.ceil(width / columns), 1) - 1;
      }
    }
    drawn = undefined;
    return `\r${up > 0 ? `${ESC}${up}A` : ''}${CLEAR_BELOW}`;
  }

  function drawBottom(): string {
    if (closed) return '';
    const { columns } = size();
    const { rows, cursor } = bottom(size());
    // What is wider was cut off at the edge.
    const widths = rows.map((row) => Math.min(spansWidth(row), columns));
    drawn = { widths, cursorRow: cursor.row };
    const up = rows.length - 1 - cursor.row;
    return [
      WRAP_OFF,
      rows.map((row) => paint(row, color)).join('\r\n'),
      WRAP_ON,
      '\r',
      up > 0 ? `${ESC}${up}A` : '',
      cursor.column > 0 ? `${ESC}${cursor.column}C` : '',
    ].join('');
  }

  function draw(change: () => string): void {
    if (output.writable) output.write(CURSOR_HIDDEN + change() + drawBottom() + CURSOR_SHOWN);
  }

  return {
    interactive,
    color,
    isGone: () => !output.writable,
    size,
    print(owner, lines) {
      if (lines.length === 0) return;
      if (!interactive) {
        const text = lines.map((line) => `${paint(line.spans, color).trimEnd()}\n`).join('');
        if (output.writable) output.write(text);
        newest = { owner, rows: 0, columns: 0 };
        return;
      }
      const { columns } = size();
      const rows = lines.flatMap((line) => wrap(line, columns));
      const height = rows.reduce(
        (sum, row) => sum + Math.max(Math.ceil(spansWidth(row) / columns), 1),
        0,
      );
      if (newest?.owner !== owner) {
        if (newest) buried.add(newest.owner);
        newest = { owner, rows: height, columns };
      } else {
        newest.rows += height;
        if (newest.columns !== columns) buried.add(owner);
      }
      draw(() => eraseBottom() + rows.map((row) => `${paint(row, color)}\r\n`).join(''));
    },
    isNewest: (owner) => newest?.owner === owner,
    erase(owner) {
      if (!interactive || !output.writable) return false;
      if (newest?.owner !== owner || buried.has(owner)) return false;
      const { columns, rows } = size();
      // What has scrolled out of the window, or was wrapped anew, is out of reach.
      const below = drawn?.widths.length ?? 1;
      if (newest.columns !== columns || newest.rows + below > rows) return false;
      const height = newest.rows;
      newest = undefined;
      draw(() => eraseBottom(height));
      return true;
    },
    refresh() {
      if (interactive && !closed) draw(() => eraseBottom());
    },
    close() {
      if (closed) return;
      closed = true;
      if (interactive) draw(() => eraseBottom());
    },
  };
}

/** @throws PlatformError; what could not be shown may be shown in the next terminal */
export function failWhenGone(screen: Screen): void {
  if (screen.isGone()) throw new PlatformError('unreachable', 'the terminal was closed');
}
