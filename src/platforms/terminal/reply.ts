/** The answer to a turn: finished lines are printed as they come, the unfinished one grows below. */

import type { Answer, Progress, Reply, ReplyTarget } from '../../chat/reply.ts';
import { terminalText } from '../../text/terminal.ts';
import type { Choices } from './choices.ts';
import type { InlineOptions } from './inline.ts';
import { type MarkdownLines, markdownLines, quiet } from './markdown.ts';
import { failWhenGone, type Screen, type Size } from './screen.ts';
import { BLANK, type Line, type Span, span, wrap } from './style.ts';

export interface ReplyDependencies {
  readonly screen: Screen;
  readonly choices: Choices;
  readonly markdown: InlineOptions;
  /** In milliseconds since 1970. */
  now(): number;
  nextId(): string;
  isShown(reply: TerminalReply): boolean;
  /** Called once, when nothing more will be shown. */
  closed(reply: TerminalReply): void;
}

export interface TerminalReply extends Reply {
  readonly turnId: number;
  /** What stands below the lasting lines while the answer grows. */
  live(size: Size): (readonly Span[])[];
}

/** In milliseconds. */
const FRAME = 80;
const SPINNER = [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'];

export function openReply(target: ReplyTarget, dependencies: ReplyDependencies): TerminalReply {
  const { screen, choices, now } = dependencies;
  const startedAt = now();
  /** Owns what is printed of the answer. */
  const owner = {};
  let renderer: MarkdownLines = markdownLines(dependencies.markdown);
  let newest = '';
  /** The beginning of the answer that stands as lasting lines: whole lines of Markdown. */
  let printed = '';
  let anyPrinted = false;
  let blankDue = false;
  let open = true;
  /** Set when the answer stands in the window, whether or not that is recorded. */
  let messageId: string | undefined;

  const ticker = screen.interactive ? setInterval(tick, FRAME) : undefined;
  ticker?.unref();

  function tick(): void {
    if (!dependencies.isShown(reply)) return;
    printWholeLines();
    screen.refresh();
  }

  function print(lines: readonly Line[]): void {
    const out: Line[] = [];
    for (const line of lines) {
      if (line === BLANK) {
        blankDue = true;
        continue;
      }
      if (anyPrinted && !screen.isNewest(owner) && out.length === 0) {
        out.push(BLANK, quiet(terminalText.goesOn(), dependencies.markdown), BLANK);
      } else if (blankDue || !anyPrinted) {
        out.push(BLANK);
      }
      blankDue = false;
      anyPrinted = true;
      out.push(line);
    }
    screen.print(owner, out);
  }

  function printWholeLines(): void {
    if (!newest.startsWith(printed)) startOver();
    const end = newest.lastIndexOf('\n') + 1;
    if (end <= printed.length) return;
    const lines = newest.slice(printed.length, end - 1).split('\n');
    printed = newest.slice(0, end);
    print(lines.flatMap((text) => renderer.push(text)));
  }

  /** What is said now does not begin as what was printed did: it was another attempt's. */
  function startOver(): void {
    if (anyPrinted && screen.erase(owner)) anyPrinted = false;
    renderer = markdownLines(dependencies.markdown);
    printed = '';
    blankDue = true;
    if (anyPrinted) print([quiet(terminalText.startedOver(), dependencies.markdown), BLANK]);
  }

  function close(): void {
    if (!open) return;
    open = false;
    clearInterval(ticker);
    dependencies.closed(reply);
  }

  function printAnswer(answer: Answer, mayBeRepeat: boolean): string {
    const note = (text: string) => [BLANK, quiet(text, dependencies.markdown), BLANK];
    const streamed = anyPrinted;
    if (mayBeRepeat && !streamed) print(note(terminalText.mayBeRepeat()));
    newest = trimBlankLines(answer.markdown);
    // The last line end may have been printed before it turned out to be the last.
    if (printed.trimEnd() === newest.trimEnd()) printed = newest;
    printWholeLines();
    const rest = newest.slice(printed.length);
    print([...(rest === '' ? [] : renderer.push(rest)), ...renderer.end()]);
    if (mayBeRepeat && streamed) print(note(terminalText.mayBeRepeat()));
    if (answer.note !== undefined) {
      for (const text of answer.note.split('\n')) print(note(text).slice(0, 2));
    }
    const id = dependencies.nextId();
    if (answer.buttons) print([BLANK, ...choices.offer(id, answer.buttons)]);
    screen.refresh();
    return id;
  }

  const reply: TerminalReply = {
    turnId: target.turnId,

    show(progress: Progress) {
      if (!open) return;
      newest = progress.markdown.replace(LEADING_BLANK, '');
      // Where nothing can be drawn, what is whole is printed; else the next tick does it.
      if (!screen.interactive && dependencies.isShown(reply)) printWholeLines();
    },

    async finish(answer: Answer) {
      if (messageId === undefined) {
        failWhenGone(screen);
        const delivery = await target.deliveries.begin(0);
        if (delivery.state === 'sent') {
          await reply.abandon();
          return;
        }
        close();
        messageId = printAnswer(answer, delivery.state === 'unknown');
      }
      await target.deliveries.sent(0, messageId);
    },

    async abandon() {
      if (!open) return;
      close();
      if (anyPrinted && !screen.erase(owner)) {
        print([BLANK, quiet(terminalText.brokenOff(), dependencies.markdown)]);
      }
      screen.refresh();
    },

    live(size) {
      const seconds = Math.floor((now() - startedAt) / 1000);
      const frame = SPINNER[Math.floor(now() / FRAME) % SPINNER.length] ?? '';
      const rest = newest.slice(printed.length);
      const rows = (rest === '' ? [] : renderer.peek(rest)).flatMap((line) =>
        wrap({ ...line, hang: line.hang ?? 0 }, size.columns).map(withoutTabs),
      );
      const status = anyPrinted || rows.length > 0 ? terminalText.answering : terminalText.thinking;
      const apart = blankDue || !anyPrinted || !screen.isNewest(owner);
      return [
        ...(apart && rows.length > 0 ? [[]] : []),
        ...rows.slice(-Math.max(Math.floor(size.rows / 2) - 4, 1)),
        [],
        [span(`${frame} `, 'user'), span(status(seconds), 'dim')],
      ];
    },
  };
  return reply;
}

const LEADING_BLANK = /^(?:[ \t]*\r?\n)+/;

function trimBlankLines(markdown: string): string {
  return markdown.replace(LEADING_BLANK, '').trimEnd();
}

function withoutTabs(row: readonly Span[]): readonly Span[] {
  return row.map(({ text, styles }) => ({ text: text.replaceAll('\t', '    '), styles }));
}
