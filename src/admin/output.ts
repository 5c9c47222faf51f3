/** Results go to standard output, for people or (`--json`) for programs; all else to standard error. */

export interface Output {
  readonly json: boolean;
  /** What the command was run for. */
  result(data: object, sentences: readonly string[]): void;
  /** What happens meanwhile. */
  note(sentence: string): void;
  /** Replaces itself in a terminal; now and then a line of its own elsewhere. */
  progress(sentence: string, isLast: boolean): void;
}

/** Where nobody looks on, progress is written so often, in milliseconds. */
const PROGRESS_EVERY_MS = 5_000;

export function createOutput({
  json,
  stdout,
  stderr,
  isTerminal,
  now = () => performance.now(),
}: {
  readonly json: boolean;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly isTerminal: boolean;
  readonly now?: () => number;
}): Output {
  let told = Number.NEGATIVE_INFINITY;
  return {
    json,
    result(data, sentences) {
      stdout.write(json ? `${JSON.stringify(data)}\n` : `${sentences.join('\n')}\n`);
    },
    note(sentence) {
      stderr.write(`${sentence}\n`);
    },
    progress(sentence, isLast) {
      if (isTerminal) {
        stderr.write(`\r\u001b[K${sentence}${isLast ? '\n' : ''}`);
      } else if (isLast || now() - told >= PROGRESS_EVERY_MS) {
        told = now();
        stderr.write(`${sentence}\n`);
      }
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
