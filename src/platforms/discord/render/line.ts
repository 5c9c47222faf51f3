/** A line of a message, and how it is written in Discord's Markdown. */

import { escapeText, JOINER } from './escape.ts';

export const PLAIN = 0;
export const BOLD = 1;
export const ITALIC = 2;
export const STRIKE = 4;

/** Text is escaped late, since what takes effect depends on where a line begins. */
export type Token =
  | { readonly kind: 'text'; readonly text: string; readonly style: number }
  /** Written already, and never cut: code, links, times. */
  | { readonly kind: 'solid'; readonly source: string };

interface Run {
  readonly text: string;
  readonly style: number;
}

/** Each run of one style has its own marks: clients disagree about marks that overlap. */
export function writeLine(prefix: string, tokens: readonly Token[]): string {
  const runs = joined(tokens);
  let source = '';
  // From the end: which marks work depends on what follows.
  for (const [index, run] of [...runs.entries()].reverse()) {
    const before = runs[index - 1];
    const piece =
      'source' in run
        ? run.source
        : styled(run, index === 0, source, before !== undefined && endsInWord(before));
    const clashes = /[*_~`]/.test(piece.at(-1) ?? '') && piece.at(-1) === source[0];
    source = piece + (clashes ? JOINER : '') + source;
  }
  return (prefix + source).trimEnd();
}

type Piece = Run | Extract<Token, { kind: 'solid' }>;

function joined(tokens: readonly Token[]): Piece[] {
  const runs: Piece[] = [];
  for (const token of tokens) {
    const last = runs.at(-1);
    if (token.kind === 'solid') runs.push(token);
    else if (last !== undefined && 'style' in last && last.style === token.style) {
      runs[runs.length - 1] = { text: last.text + token.text, style: token.style };
    } else runs.push({ text: token.text, style: token.style });
  }
  return runs;
}

const WORD = /[\p{L}\p{N}_]/u;

function endsInWord(piece: Piece): boolean {
  return 'text' in piece && WORD.test(piece.text.at(-1) ?? '');
}

function styled({ text, style }: Run, atStart: boolean, next: string, inWord: boolean): string {
  if (style === PLAIN) return escapeText(text, atStart);
  const inner = text.trim();
  if (inner === '') return text;
  const [before = '', after = ''] = text.split(inner, 2);
  let source = escapeText(inner, true);
  let mark = '';
  if ((style & ITALIC) !== 0) {
    const following = after === '' ? next : after;
    const underscores = !WORD.test(following[0] ?? '') && !(inWord && before === '');
    // Between stars Discord sees no backslash.
    if (underscores || !inner.includes('*')) mark = underscores ? '_' : '*';
  }
  source = mark + source + mark;
  if ((style & BOLD) !== 0) source = `**${source}**`;
  if ((style & STRIKE) !== 0 && !/^~|~$/.test(inner)) source = `~~${source}~~`;
  return before + source + after;
}
