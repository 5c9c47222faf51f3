/** Collects text and entities while the tree is walked. */

import type { MessageEntity } from 'grammy/types';
import { clean, cleanCode } from './clean.ts';
import type { Rendered } from './rendered.ts';

type WithoutRange<T> = T extends MessageEntity ? Omit<T, 'offset' | 'length'> : never;
/** An entity that does not know yet where it stands. */
export type Look = WithoutRange<MessageEntity>;

interface OpenEntity {
  readonly look: Look;
  start: number;
}

export class Builder {
  #text = '';
  /** Newlines due before the next text: none stand at the start or the end. */
  #gap = 0;
  /** Nothing was written on the line yet. */
  #fresh = true;
  /** What every line begins with: the indentation of lists. */
  #prefix = '';
  readonly #entities: MessageEntity[] = [];
  readonly #open: OpenEntity[] = [];

  /** At least so many newlines before what comes next. */
  gap(newlines: number): void {
    if (this.#text !== '') this.#gap = Math.max(this.#gap, newlines);
  }

  /** Text of a paragraph; its newlines begin lines with the prefix. */
  write(text: string): void {
    const cleaned = clean(text);
    if (cleaned === '') return;
    this.#flush(this.#prefix);
    this.#fresh = false;
    this.#text += this.#prefix === '' ? cleaned : cleaned.replaceAll('\n', `\n${this.#prefix}`);
  }

  /** Everything written in `body` begins its lines with `prefix`, except the line that has begun. */
  indented(prefix: string, body: () => void): void {
    const outer = this.#prefix;
    this.#prefix = outer + prefix;
    body();
    this.#prefix = outer;
  }

  /** An entity over what `body` writes; one within another of its type changes nothing. */
  styled(look: Look, body: () => void): void {
    if (this.isOpen(look.type)) {
      body();
      return;
    }
    this.#flush(this.#prefix);
    this.#open.push({ look, start: this.#text.length });
    body();
    const entity = this.#open.pop();
    if (entity !== undefined) this.#close(entity);
  }

  isOpen(type: Look['type']): boolean {
    return this.#open.some(({ look }) => look.type === type);
  }

  /** A quote: Telegram has none within another. */
  quote(body: () => void): void {
    if (this.isOpen('blockquote')) {
      this.write('> ');
      this.indented('> ', body);
    } else {
      this.styled({ type: 'blockquote' }, body);
    }
  }

  /** Code in a line, or a time: Telegram allows neither inside other formatting, which is cut there. */
  solid(look: Look, text: string): void {
    const cleaned = clean(text).replaceAll('\n', ' ');
    if (cleaned === '') return;
    this.#flush(this.#prefix);
    this.#outside(() => this.#append(look, cleaned));
  }

  /** A block of code, which begins at the left edge whatever it stands in. */
  block(look: Look, text: string): void {
    const cleaned = cleanCode(text);
    if (cleaned.trim() === '') return;
    if (!this.#fresh) this.gap(1);
    this.#flush('');
    this.#outside(() => this.#append(look, cleaned));
  }

  /** White space at the edges of the text is still there. */
  finish(): Rendered {
    const text = this.#text;
    const entities: MessageEntity[] = [];
    for (const entity of this.#entities) {
      const placed = entity.type === 'pre' ? entity : trimmed(text, entity);
      if (placed.length === 0) continue;
      const long =
        placed.type === 'blockquote' &&
        isLong(text.slice(placed.offset, placed.offset + placed.length));
      entities.push(long ? { ...placed, type: 'expandable_blockquote' } : placed);
    }
    return { text, entities };
  }

  #append(look: Look, text: string): void {
    const start = this.#text.length;
    this.#text += text;
    this.#fresh = false;
    this.#close({ look, start });
  }

  /** Ends what is open, except quotes, and begins it anew behind `body`. */
  #outside(body: () => void): void {
    const cut = this.#open.filter(({ look }) => look.type !== 'blockquote');
    for (const entity of cut) this.#close(entity);
    body();
    for (const entity of cut) entity.start = this.#text.length;
  }

  #close({ look, start }: OpenEntity): void {
    const length = this.#text.length - start;
    if (length > 0) this.#entities.push({ ...look, offset: start, length });
  }

  #flush(prefix: string): void {
    if (this.#gap === 0) return;
    this.#text += '\n'.repeat(this.#gap) + prefix;
    this.#gap = 0;
    this.#fresh = true;
  }
}

function trimmed(text: string, entity: MessageEntity): MessageEntity {
  let first = entity.offset;
  let last = first + entity.length;
  while (first < last && isSpace(text[first])) first += 1;
  while (last > first && isSpace(text[last - 1])) last -= 1;
  return { ...entity, offset: first, length: last - first };
}

function isSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\n';
}

/** More than a phone's screen should give to a quote. */
function isLong(quote: string): boolean {
  return quote.length > 600 || quote.split('\n').length > 8;
}
