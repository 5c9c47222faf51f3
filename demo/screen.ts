/** Prints what happens in chats, as it happens: who says what, in two columns. */

import {
  BLANK,
  type Line,
  line,
  paint,
  type Span,
  type Style,
  span,
  wrap,
} from '../src/platforms/terminal/style.ts';
import { textWidth } from '../src/platforms/terminal/width.ts';

export interface ScreenOptions {
  readonly write: (text: string) => void;
  /** Where false, no escape sequence is written. */
  readonly color: boolean;
  /** Columns of the whole. */
  readonly width: number;
}

/** In columns. */
const NAMES = 11;

export class Screen {
  readonly #options: ScreenOptions;
  #chat: string | undefined;

  constructor(options: ScreenOptions) {
    this.#options = options;
  }

  /** What is no part of the play. */
  aside(text: string): void {
    this.#print(BLANK);
    for (const spans of wrap(line(span(text, 'dim')), this.#options.width)) this.#print({ spans });
  }

  /** A step of the play. */
  title(text: string): void {
    this.#print(BLANK);
    this.#print(line(span(text, 'bold', 'underline')));
    this.#chat = undefined;
  }

  /** Says in which chat the next lines are, where that has changed. */
  enter(chat: string): void {
    if (this.#chat === chat) return;
    this.#chat = chat;
    this.#print(BLANK);
    const rest = Math.max(3, this.#options.width - textWidth(chat) - 4);
    this.#print({ spans: [span(`── ${chat} ${'─'.repeat(rest)}`, 'dim')] });
  }

  /** @param look of the name */
  says(name: string, look: Style, lines: readonly Line[]): void {
    this.#print(BLANK);
    const shown = lines.flatMap((one) => wrap(one, this.#options.width - NAMES));
    for (const [index, row] of shown.entries()) {
      const lead = (index === 0 ? name : '').padEnd(NAMES);
      const blank = row.every(({ text }) => text === '') && index > 0;
      this.#print({ spans: blank ? [] : [span(lead, look, 'bold'), ...row] });
    }
  }

  /** What is done without words: a press, a deletion. */
  notes(spans: readonly Span[]): void {
    this.#print(BLANK);
    for (const row of wrap(line(...spans), this.#options.width - NAMES)) {
      this.#print({ spans: [span(' '.repeat(NAMES)), ...row] });
    }
  }

  #print({ spans }: Line): void {
    this.#options.write(`${paint(spans, this.#options.color)}\n`);
  }
}
