/**
 * The line being typed. Node's readline edits it (cursor keys, history, completion); what it would
 * draw is thrown away, because the window draws the line itself, below what scrolls.
 */

import { createInterface } from 'node:readline';
import { type Readable, Writable } from 'node:stream';
import { createKeyReader, KeyStream } from './keys.ts';

export type TerminalInput = Readable & {
  readonly isTTY?: boolean;
  setRawMode?(mode: boolean): unknown;
};

export interface EditorHandlers {
  /** Editing begins; it ends when the editor closes, and while the process is suspended. */
  editing(on: boolean): void;
  /** Keys or text came, and are acted upon next. */
  touched(): void;
  /** Something changed that is seen. */
  changed(): void;
  entered(text: string): void;
  /** Tab was pressed where several commands are meant. */
  choices(commands: readonly string[]): void;
  interrupt(): void;
  /** Ctrl-D, or the input ended. */
  ended(): void;
}

export interface Editor {
  /** What is typed so far, lines ending in `\n`, and the cursor's place in it in UTF-16 units. */
  line(): { readonly text: string; readonly cursor: number };
  clear(): void;
  /** Takes this text out of the history, which is only ever in memory. */
  forget(text: string): void;
  close(): void;
}

/** Stands for a line end in readline's single line: of the private use area, so never typed. */
const LINE_MARK = '\ue00a';
const HISTORY_SIZE = 200;
const COMMAND = /^\/\w+/;

/** For a person at a terminal. */
export function openEditor(
  input: TerminalInput,
  commands: readonly string[],
  handlers: EditorHandlers,
): Editor {
  const keys = new KeyStream((mode) => {
    input.setRawMode?.(mode);
    handlers.editing(mode);
  });
  const nowhere = new Writable({
    write(_chunk, _encoding, done) {
      handlers.changed();
      done();
    },
  });
  let history: string[] = [];
  const readline = createInterface({
    input: keys,
    output: nowhere,
    terminal: true,
    prompt: '',
    historySize: HISTORY_SIZE,
    removeHistoryDuplicates: true,
    completer(line: string): [string[], string] {
      if (!/^\/\w*$/.test(line)) return [[], line];
      const hits = commands.map((name) => `/${name}`).filter((name) => name.startsWith(line));
      if (hits.length > 1) handlers.choices(hits);
      return [hits.length === 1 ? hits.map((hit) => `${hit} `) : hits, line];
    },
  });
  const reader = createKeyReader({
    keys(text) {
      handlers.touched();
      keys.type(text);
    },
    insert(text) {
      handlers.touched();
      readline.write(text.replaceAll('\n', LINE_MARK));
    },
    enter: () => keys.type('\r'),
    entersAtOnce: () => COMMAND.test(readline.line),
  });
  const feed = (chunk: Buffer | string) => reader.feed(chunk);

  readline.on('history', (lines) => {
    history = lines;
  });
  readline.on('line', (line) => handlers.entered(line.replaceAll(LINE_MARK, '\n')));
  readline.on('SIGINT', () => handlers.interrupt());
  readline.on('SIGCONT', () => {
    readline.resume();
    handlers.changed();
  });
  let closed = false;
  const ended = () => {
    if (!closed) handlers.ended();
  };
  readline.on('close', ended);
  input.on('data', feed).on('end', ended).on('error', ended);

  return {
    line: () => ({
      text: readline.line.replaceAll(LINE_MARK, '\n'),
      cursor: readline.cursor,
    }),
    clear() {
      readline.write(null, { ctrl: true, name: 'e' });
      readline.write(null, { ctrl: true, name: 'u' });
    },
    forget(text) {
      const stored = text.replaceAll('\n', LINE_MARK).trim();
      const kept = history.filter((line) => line.trim() !== stored);
      history.splice(0, history.length, ...kept);
    },
    close() {
      closed = true;
      reader.close();
      input.off('data', feed).off('end', ended).off('error', ended);
      readline.close();
      input.pause();
    },
  };
}

/** For input that is no terminal: every line is a message, nothing is edited. */
export function openLines(input: TerminalInput, handlers: EditorHandlers): Editor {
  const readline = createInterface({ input, terminal: false, crlfDelay: Infinity });
  let closed = false;
  readline.on('line', (line) => handlers.entered(line));
  const ended = () => {
    if (!closed) handlers.ended();
  };
  readline.on('close', ended);
  input.on('error', ended);
  return {
    line: () => ({ text: '', cursor: 0 }),
    clear() {},
    forget() {},
    close() {
      closed = true;
      input.off('error', ended);
      readline.close();
      input.pause();
    },
  };
}
