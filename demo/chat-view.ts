/** One chat as the people in it see it: prints what is new, what was changed and what is gone. */

import { detectKeys } from '../src/keys/detection.ts';
import { type Line, line, span } from '../src/platforms/terminal/style.ts';
import type { Screen } from './screen.ts';

/** A message of any platform, as it stands in its chat now. */
export interface Shown {
  readonly id: string;
  readonly author: string;
  readonly fromBot: boolean;
  /** Without formatting. */
  readonly text: string;
  readonly lines: readonly Line[];
  /** Labels. */
  readonly buttons: readonly string[];
  /** Names of files that it carries. */
  readonly files: readonly string[];
  /** The one person who sees it; undefined: everybody in the chat. */
  readonly onlyFor: string | undefined;
  /** The message that it replies to. */
  readonly replyTo: { readonly id: string; readonly text: string } | undefined;
  /** The bot is still writing it. */
  readonly growing: boolean;
}

export interface ChatViewOptions<Message extends Shown> {
  readonly title: string;
  readonly screen: Screen;
  /** What stands in the chat now, in order; what only one person sees is among it. */
  readonly read: () => readonly Message[];
  readonly waitFor: <T>(
    predicate: () => T | undefined | false,
    options: { readonly timeoutMs: number },
  ) => Promise<T>;
}

/** Longer than anything takes here, on a machine that is busy with something else. */
const PATIENCE_MS = 20_000;
/** Of a message that is told about, in characters. */
const EXCERPT = 48;
/** So much of a key tells whose it is, and no more: `sk-proj`. */
const KEPT_OF_KEY = 7;

export class ChatView<Message extends Shown> {
  readonly #options: ChatViewOptions<Message>;
  readonly #printed = new Map<string, Message>();
  #last: string | undefined;

  constructor(options: ChatViewOptions<Message>) {
    this.#options = options;
  }

  /** Waits until the bot has said something new that fits, and prints all that is new. @throws */
  async hears(what: RegExp): Promise<Message> {
    const { read, waitFor, title } = this.#options;
    const isNew = (message: Message) => this.#printed.get(message.id)?.text !== message.text;
    const heard = await waitFor(
      () =>
        read().findLast(
          (message) =>
            message.fromBot && !message.growing && isNew(message) && what.test(message.text),
        ),
      { timeoutMs: PATIENCE_MS },
    ).catch(() => {
      throw new Error(`the bot did not say what it should (${what.source}) in “${title}”`);
    });
    this.update();
    return heard;
  }

  /** Waits until the bot has deleted a message, and prints that. @throws */
  async loses(id: string): Promise<void> {
    const { read, waitFor, title } = this.#options;
    await waitFor(() => !read().some((message) => message.id === id), {
      timeoutMs: PATIENCE_MS,
    }).catch(() => {
      throw new Error(`the bot did not delete the message that it should in “${title}”`);
    });
    this.update();
  }

  /** Prints what happened since it was last called. */
  update(): void {
    const now = this.#options.read();
    const ids = new Set(now.map(({ id }) => id));
    for (const [id, message] of this.#printed) {
      if (ids.has(id)) continue;
      this.#printed.delete(id);
      this.#deleted(message);
    }
    for (const message of now) {
      if (message.growing) continue;
      const before = this.#printed.get(message.id);
      this.#printed.set(message.id, message);
      if (before?.text !== message.text) this.#print(message, before !== undefined);
    }
  }

  /** A person does something without words. */
  does(what: string): void {
    this.#options.screen.enter(this.#options.title);
    this.#options.screen.notes([span(what, 'dim')]);
  }

  #print(message: Message, edited: boolean): void {
    const { screen, title } = this.#options;
    if (message.fromBot && detectKeys(message.text).length > 0) {
      throw new Error(`the bot showed an API key in “${title}”`);
    }
    screen.enter(title);
    const marks = [
      ...(message.onlyFor === undefined ? [] : [`only ${message.onlyFor} sees this`]),
      // That the bot answers the one right above it goes without saying.
      ...(message.replyTo === undefined || (message.fromBot && message.replyTo.id === this.#last)
        ? []
        : [`replies to “${excerpt(withoutKeys(message.replyTo.text))}”`]),
      ...(edited ? ['edited'] : []),
    ];
    screen.says(message.author, message.fromBot ? 'code' : 'user', [
      ...(marks.length === 0 ? [] : [line(span(`(${marks.join('; ')})`, 'dim'))]),
      ...message.lines,
      ...(message.files.length === 0 ? [] : [line(span(`📎 ${message.files.join(', ')}`))]),
      ...(message.buttons.length === 0
        ? []
        : [line(span(message.buttons.map((label) => `[${label}]`).join('  '), 'bold'))]),
    ]);
    this.#last = message.id;
  }

  #deleted({ author, text, fromBot }: Message): void {
    const { screen, title } = this.#options;
    screen.enter(title);
    const whose = fromBot ? 'its own message' : `${author}’s message`;
    screen.notes([
      span(`✗ Latchkey deletes ${whose}: `, 'dim'),
      span(excerpt(withoutKeys(text)), 'dim', 'strike'),
    ]);
  }
}

/** What a person typed, with dots for the keys in it: what is printed is copied elsewhere. */
export function withoutKeys(text: string): string {
  return detectKeys(text).reduceRight(
    (all, { start, end }) => `${all.slice(0, start + KEPT_OF_KEY)}••••••••${all.slice(end)}`,
    text,
  );
}

function excerpt(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  return flat.length <= EXCERPT ? flat : `${flat.slice(0, EXCERPT).trimEnd()}…`;
}
