/**
 * A terminal to test against: understands the few escape sequences that Latchkey may send, scrolls,
 * wraps, wraps anew when it is resized, and throws at everything else.
 */

import { Writable } from 'node:stream';

interface Cell {
  readonly text: string;
  readonly width: number;
}

interface Row {
  cells: Cell[];
  /** Whether the next row continues this one, because it was full. */
  wrapped: boolean;
}

const SEQUENCE = /^\p{Cc}\[(\?)?([\d;]*)([A-Za-z])/u;
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

export class Window extends Writable {
  readonly isTTY = true;
  columns: number;
  rows: number;
  color: boolean;
  /** Private modes that were set: 25 the cursor, 7 wrapping, 2004 bracketed paste. */
  readonly modes = new Map([
    ['25', true],
    ['7', true],
  ]);
  /** Everything that was written. */
  raw = '';
  #lines: Row[] = [{ cells: [], wrapped: false }];
  #top = 0;
  #y = 0;
  #x = 0;

  constructor(columns = 80, rows = 24, color = false) {
    super({ decodeStrings: false });
    this.columns = columns;
    this.rows = rows;
    this.color = color;
  }

  hasColors(): boolean {
    return this.color;
  }

  override _write(chunk: string, _encoding: string, done: (error?: Error) => void): void {
    this.raw += chunk;
    try {
      this.#interpret(chunk);
      done();
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** All that was shown and not erased, blank rows at the end left out. */
  text(): string {
    return this.#show(0);
  }

  /** What is in the window now. */
  visible(): string {
    return this.#show(this.#top);
  }

  cursor(): { row: number; column: number } {
    return { row: this.#y - this.#top, column: this.#x };
  }

  /** The text of the row where the cursor is. */
  cursorRow(): string {
    return this.#rowText(this.#y);
  }

  resize(columns: number, rows = this.rows): void {
    const cursor = { line: 0, offset: 0 };
    const whole: Cell[][] = [];
    let continues = false;
    for (const [index, row] of this.#lines.entries()) {
      if (!continues) whole.push([]);
      const line = whole.at(-1) ?? [];
      if (index === this.#y) {
        cursor.line = whole.length - 1;
        cursor.offset = line.length + Math.min(this.#x, row.cells.length);
      }
      line.push(...row.cells);
      continues = row.wrapped;
    }
    this.#lines = [];
    for (const [index, line] of whole.entries()) {
      let row: Row = { cells: [], wrapped: false };
      this.#lines.push(row);
      if (index === cursor.line) this.#setCursor(0);
      for (const [offset, cell] of line.entries()) {
        if (widthOf(row) + cell.width > columns) {
          row.wrapped = true;
          row = { cells: [], wrapped: false };
          this.#lines.push(row);
        }
        if (index === cursor.line && offset === cursor.offset) this.#setCursor(widthOf(row));
        row.cells.push(cell);
        if (index === cursor.line && offset < cursor.offset) this.#setCursor(widthOf(row));
      }
    }
    this.columns = columns;
    this.rows = rows;
    this.#top = Math.max(this.#lines.length - rows, 0);
    this.emit('resize');
  }

  #setCursor(column: number): void {
    this.#y = this.#lines.length - 1;
    this.#x = Math.min(column, this.columns - 1);
  }

  #interpret(chunk: string): void {
    let rest = chunk;
    while (rest !== '') {
      const sequence = rest.startsWith('\u001b') ? SEQUENCE.exec(rest) : null;
      if (sequence) {
        this.#obey(sequence[1] === '?', sequence[2] ?? '', sequence[3] ?? '');
        rest = rest.slice(sequence[0].length);
        continue;
      }
      const end = rest.indexOf('\u001b', 1);
      const text = end === -1 ? rest : rest.slice(0, end);
      for (const { segment } of segmenter.segment(text)) this.#put(segment);
      rest = rest.slice(text.length);
    }
  }

  #obey(isPrivate: boolean, parameters: string, final: string): void {
    const count = Number(parameters || '1');
    if (isPrivate && (final === 'h' || final === 'l')) {
      this.modes.set(parameters, final === 'h');
    } else if (final === 'm' && this.color) {
      // Looks do not matter here.
    } else if (final === 'A') {
      this.#y = Math.max(this.#y - count, this.#top);
    } else if (final === 'C') {
      this.#x = Math.min(this.#x + count, this.columns - 1);
    } else if (final === 'J' && parameters === '') {
      this.#lines.length = this.#y + 1;
      this.#cut(this.#x);
    } else {
      throw new Error(`unexpected sequence ${parameters}${final}`);
    }
  }

  #cut(column: number): void {
    const row = this.#row();
    const kept: Cell[] = [];
    let width = 0;
    for (const cell of row.cells) {
      if (width >= column) break;
      kept.push(cell);
      width += cell.width;
    }
    row.cells = kept;
    row.wrapped = false;
  }

  #put(segment: string): void {
    if (segment === '\r\n' || segment === '\n') {
      if (segment === '\r\n') this.#x = 0;
      this.#down();
    } else if (segment === '\r') {
      this.#x = 0;
    } else if (segment === '\t') {
      const stop = Math.min((Math.floor(this.#x / 8) + 1) * 8, this.columns - 1);
      while (this.#x < stop) this.#put(' ');
    } else if (/\p{Cc}/u.test(segment)) {
      throw new Error(`unexpected control character ${JSON.stringify(segment)}`);
    } else {
      this.#print({ text: segment, width: cellWidth(segment) });
    }
  }

  #print(cell: Cell): void {
    if (this.#x + cell.width > this.columns) {
      if (this.modes.get('7')) {
        this.#row().wrapped = true;
        this.#x = 0;
        this.#down();
      } else {
        this.#x = this.columns - cell.width;
      }
    }
    this.#cut(this.#x);
    const row = this.#row();
    while (widthOf(row) < this.#x) row.cells.push({ text: ' ', width: 1 });
    row.cells.push(cell);
    this.#x += cell.width;
  }

  #down(): void {
    this.#y += 1;
    if (this.#y === this.#lines.length) this.#lines.push({ cells: [], wrapped: false });
    this.#top = Math.max(this.#top, this.#y - this.rows + 1);
  }

  #row(): Row {
    const row = this.#lines[this.#y];
    if (!row) throw new Error('the cursor left the window');
    return row;
  }

  #rowText(index: number): string {
    return (this.#lines[index]?.cells ?? [])
      .map((cell) => cell.text)
      .join('')
      .trimEnd();
  }

  #show(from: number): string {
    const rows = this.#lines.slice(from).map((_row, index) => this.#rowText(from + index));
    return rows.join('\n').trimEnd();
  }
}

function widthOf(row: Row): number {
  return row.cells.reduce((sum, cell) => sum + cell.width, 0);
}

function cellWidth(segment: string): number {
  return /\p{Emoji_Presentation}|[\p{scx=Han}\p{scx=Hiragana}\p{scx=Hangul}\uff01-\uff60]/u.test(
    segment,
  )
    ? 2
    : 1;
}
