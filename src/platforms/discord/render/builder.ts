/** Collects the lines while the tree is walked. */

import { clean, cleanCode } from './clean.ts';
import { inlineCode } from './escape.ts';
import { PLAIN, type Token } from './line.ts';
import { bareLink, findAddresses } from './link.ts';
import type { Unit } from './unit.ts';

/** UTF-16 code units of a token: written with escapes it still fits a message by itself. */
const MAX_TOKEN = 400;

interface Line {
  prefix: string;
  hang: string;
  tokens: Token[];
  isHeading: boolean;
  gap: number;
}

export class Builder {
  readonly #units: Unit[] = [];
  #line: Line | undefined;
  #gap = 1;
  #style = PLAIN;
  #isHeading = false;
  #quotes = 0;
  #indent = '';
  /** Stands before the next line, once: bullets, marks of headings. */
  #mark = '';

  /** At least so many newlines before what comes next. */
  gap(newlines: number): void {
    this.#endLine();
    this.#gap = Math.max(this.#gap, newlines);
  }

  styled(style: number, body: () => void): void {
    const outer = this.#style;
    this.#style |= style;
    body();
    this.#style = outer;
  }

  /** Discord has quotations of one depth; deeper ones show their marks. */
  quote(body: () => void): void {
    this.#endLine();
    this.#quotes += 1;
    body();
    this.#endLine();
    this.#quotes -= 1;
  }

  item(bullet: string, body: () => void): void {
    this.#endLine();
    const outer = this.#indent;
    this.#mark += bullet;
    this.#indent = outer + ' '.repeat(bullet.length);
    body();
    this.#endLine();
    // An item that wrote nothing has a bullet all the same.
    if (this.#mark !== '') this.#units.push({ ...this.#begin(), type: 'line' });
    this.#mark = '';
    this.#indent = outer;
  }

  heading(mark: string, body: () => void): void {
    this.#endLine();
    const outer = this.#mark;
    this.#mark = outer + mark;
    this.#isHeading = true;
    body();
    this.#endLine();
    this.#isHeading = false;
    // A heading that wrote nothing leaves none.
    if (this.#mark !== '') this.#mark = outer;
  }

  write(text: string): void {
    for (const [index, line] of clean(text).split('\n').entries()) {
      if (index > 0) this.newline();
      this.#writeLine(line);
    }
  }

  newline(): void {
    // Lines without anything on them are gaps.
    if (this.#line === undefined) return;
    this.#endLine();
  }

  /** Code within a line. */
  code(text: string): void {
    const line = cleanCode(text).replaceAll('\n', ' ');
    if (line.trim() === '') {
      this.write(line);
      return;
    }
    for (const piece of chopped(line)) this.solid(inlineCode(piece));
  }

  solid(source: string): void {
    this.#current().tokens.push({ kind: 'solid', source });
  }

  /** A block of code, which begins at the left edge whatever it stands in. */
  block(text: string, language: string): void {
    this.#endLine();
    const content = cleanCode(text);
    if (content.trim() === '') return;
    if (this.#mark.trim() !== '') this.#current();
    this.#endLine();
    this.#units.push({ type: 'code', gap: this.#takeGap(), language, content });
  }

  finish(): Unit[] {
    this.#endLine();
    return this.#units;
  }

  #writeLine(text: string): void {
    if (text === '') return;
    let from = 0;
    for (const { index, text: address } of findAddresses(text)) {
      const source = bareLink(address);
      if (source === undefined) continue;
      this.#words(text.slice(from, index));
      this.solid(source);
      from = index + address.length;
    }
    this.#words(text.slice(from));
  }

  #words(text: string): void {
    if (text === '') return;
    const { tokens } = this.#current();
    for (const word of text.match(/\s+|\S+/g) ?? []) {
      if (tokens.length === 0 && word.trim() === '') continue;
      for (const piece of chopped(word)) {
        tokens.push({ kind: 'text', text: piece, style: this.#style });
      }
    }
  }

  #current(): Line {
    this.#line ??= this.#begin();
    return this.#line;
  }

  #begin(): Line {
    const quote = this.#quotes === 0 ? '' : `> ${'\\> '.repeat(this.#quotes - 1)}`;
    const hang = quote + this.#indent;
    const outside = this.#indent.slice(
      0,
      Math.max(0, this.#indent.length - bulletLength(this.#mark)),
    );
    const prefix = this.#mark === '' ? hang : quote + outside + this.#mark;
    this.#mark = '';
    return { prefix, hang, tokens: [], isHeading: this.#isHeading, gap: this.#takeGap() };
  }

  #takeGap(): number {
    const gap = this.#gap;
    this.#gap = 1;
    return gap;
  }

  #endLine(): void {
    if (this.#line === undefined) return;
    this.#units.push({ type: 'line', ...this.#line });
    this.#line = undefined;
  }
}

/** Headings have no indentation of their own. */
function bulletLength(mark: string): number {
  return mark.replace(/#+ $/, '').length;
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Pieces that are no longer than a token may be, cut between characters. */
function chopped(word: string): string[] {
  if (word.length <= MAX_TOKEN) return [word];
  const pieces: string[] = [];
  let piece = '';
  for (const { segment } of graphemes.segment(word)) {
    // One "character" can be of any length.
    for (const part of segment.length > MAX_TOKEN ? segment : [segment]) {
      if (piece.length + part.length > MAX_TOKEN) {
        pieces.push(piece);
        piece = '';
      }
      piece += part;
    }
  }
  return piece === '' ? pieces : [...pieces, piece];
}
