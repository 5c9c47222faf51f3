/** How far something long has come: a bar in a terminal, now and then a line elsewhere. */

import { SingleBar } from 'cli-progress';

export interface Progress {
  readonly done: number;
  /** It may be an estimate, and grow. */
  readonly total: number;
  /** What is counted, in the plural: `rows`. */
  readonly unit: string;
}

export interface ProgressView {
  show(progress: Progress): void;
  /** Before anything else is written: the bar stays as it is, on a line of its own. */
  end(): void;
}

/** Lines are written so often, in milliseconds. */
const LINE_EVERY_MS = 5_000;

export function createBar(stream: NodeJS.WritableStream): ProgressView {
  let bar: SingleBar | undefined;
  return {
    show({ done, total, unit }) {
      if (total === 0) return;
      if (bar === undefined) {
        bar = new SingleBar({
          stream,
          format: '[{bar}] {percentage} %  {value} of {total} {unit}, {eta_formatted} left',
          barCompleteChar: '=',
          barIncompleteChar: ' ',
          hideCursor: false,
          // Ctrl+C is the command's own to hear.
          gracefulExit: false,
        });
        bar.start(total, done, { unit });
        return;
      }
      bar.setTotal(total);
      bar.update(done, { unit });
    },
    end() {
      bar?.stop();
      bar = undefined;
    },
  };
}

export function createLines(
  stream: { write(text: string): unknown },
  now: () => number,
): ProgressView {
  const begun = now();
  let told = Number.NEGATIVE_INFINITY;
  let last = '';
  const say = ({ done, total, unit }: Progress) => {
    const seconds = (now() - begun) / 1_000;
    const rate = seconds > 0 ? `, ${Math.round(done / seconds)} a second` : '';
    return `${done} of ${total} ${unit}${rate}\n`;
  };
  return {
    show(progress) {
      const line = say(progress);
      if (now() - told < LINE_EVERY_MS) {
        last = line;
        return;
      }
      told = now();
      last = '';
      stream.write(line);
    },
    end() {
      if (last !== '') stream.write(last);
      last = '';
    },
  };
}
