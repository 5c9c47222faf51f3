/**
 * What comes from the keyboard, told apart: keys, which readline understands, and pasted text,
 * which must not be mistaken for keys (a line end in it is not Enter, a tab completes nothing).
 *
 * Terminals that know bracketed paste wrap pasted text in marks. From the others it comes like
 * typing, but faster than anybody types: Enter counts only when no text follows at once.
 */

import { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

const PASTE_BEGIN = '\u001b[200~';
const PASTE_END = '\u001b[201~';
/** Asks the terminal for the marks around pasted text, and no longer. */
export const BRACKETED_PASTE_ON = '\u001b[?2004h';
export const BRACKETED_PASTE_OFF = '\u001b[?2004l';

/** In milliseconds: longer than between two reads of one paste, shorter than between two keys. */
const ENTER_WAIT = 15;
/** In milliseconds without input: a paste whose end never came must not take the keys for ever. */
const PASTE_PATIENCE = 1000;

const LINE_END = /\r\n|\r|\n/;

export interface KeyHandlers {
  /** Keys, as a terminal encodes them. */
  keys(text: string): void;
  /** Text to insert as it is; lines end in `\n`. */
  insert(text: string): void;
  enter(): void;
  /** Whether Enter counts at once, whatever follows. */
  entersAtOnce(): boolean;
}

export interface KeyReader {
  feed(chunk: Buffer | string): void;
  close(): void;
}

export function createKeyReader(handlers: KeyHandlers): KeyReader {
  const decoder = new StringDecoder('utf8');
  /** What may be the beginning of a mark, of which the rest has not come. */
  let partial = '';
  let pasted: string | undefined;
  let enterHeld = false;
  let timer: NodeJS.Timeout | undefined;

  function later(ms: number, action: () => void): void {
    clearTimeout(timer);
    timer = setTimeout(action, ms);
  }

  function settle(): void {
    clearTimeout(timer);
    const rest = partial;
    partial = '';
    if (pasted !== undefined) {
      endPaste(rest);
      return;
    }
    releaseEnter();
    if (rest !== '') handlers.keys(rest);
  }

  function releaseEnter(): void {
    if (!enterHeld) return;
    enterHeld = false;
    handlers.enter();
  }

  function endPaste(rest: string): void {
    const text = (pasted ?? '') + rest;
    pasted = undefined;
    if (text !== '') handlers.insert(text.replace(/\r\n?|[\u2028\u2029]/g, '\n'));
  }

  function typed(text: string): void {
    for (const [index, piece] of text.split(LINE_END).entries()) {
      if (index > 0) {
        if (enterHeld) handlers.insert('\n');
        enterHeld = true;
        if (handlers.entersAtOnce()) releaseEnter();
      }
      if (piece === '') continue;
      if (enterHeld && piece >= ' ' && !piece.startsWith('\u007f')) {
        enterHeld = false;
        handlers.insert('\n');
      }
      releaseEnter();
      handlers.keys(piece);
    }
  }

  function read(text: string): void {
    const mark = pasted === undefined ? PASTE_BEGIN : PASTE_END;
    const at = text.indexOf(mark);
    const cut = at === -1 ? text.length - startedMark(text, mark) : at;
    const before = text.slice(0, cut);
    if (pasted === undefined) typed(before);
    else pasted += before;
    if (at === -1) {
      partial = text.slice(cut);
      return;
    }
    if (pasted === undefined) {
      releaseEnter();
      pasted = '';
    } else {
      endPaste('');
    }
    read(text.slice(at + mark.length));
  }

  return {
    feed(chunk) {
      clearTimeout(timer);
      const text = partial + (typeof chunk === 'string' ? chunk : decoder.write(chunk));
      partial = '';
      read(text);
      if (pasted !== undefined) later(PASTE_PATIENCE, settle);
      else if (enterHeld || partial !== '') later(ENTER_WAIT, settle);
    },
    close: () => clearTimeout(timer),
  };
}

/** How many characters at the end of the text are the beginning of the mark. */
function startedMark(text: string, mark: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length -= 1) {
    if (text.endsWith(mark.slice(0, length))) return length;
  }
  return 0;
}

/** The stream from which readline takes its keys, one call at a time, so that they keep their order with what is inserted. */
export class KeyStream extends Readable {
  readonly #setRawMode: (mode: boolean) => void;

  constructor(setRawMode: (mode: boolean) => void) {
    super();
    this.#setRawMode = setRawMode;
  }

  override _read(): void {}

  type(keys: string): void {
    this.emit('data', keys);
  }

  /** Called by readline: raw while it edits, cooked while the process is suspended. */
  setRawMode(mode: boolean): this {
    this.#setRawMode(mode);
    return this;
  }
}
