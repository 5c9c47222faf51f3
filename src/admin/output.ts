/** Results go to standard output, for people or (`--json`) for programs; all else to standard error. */

import { createBar, createLines, type Progress } from './progress-bar.ts';

export interface Output {
  readonly json: boolean;
  /** What the command was run for. */
  result(data: object, sentences: readonly string[]): void;
  /** What happens meanwhile. */
  note(sentence: string): void;
  /** A bar in a terminal; now and then a line elsewhere; nothing with `--json`. */
  progress(progress: Progress): void;
}

export function createOutput({
  json,
  stdout,
  stderr,
  isTerminal,
  now = () => performance.now(),
}: {
  readonly json: boolean;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: NodeJS.WritableStream;
  readonly isTerminal: boolean;
  readonly now?: () => number;
}): Output {
  const view = isTerminal ? createBar(stderr) : createLines(stderr, now);
  return {
    json,
    result(data, sentences) {
      view.end();
      stdout.write(json ? `${JSON.stringify(data)}\n` : `${sentences.join('\n')}\n`);
    },
    note(sentence) {
      view.end();
      stderr.write(`${sentence}\n`);
    },
    progress(progress) {
      if (!json) view.show(progress);
    },
  };
}

/** A table of words, its columns as wide as their widest word. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((word, column) => word.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
