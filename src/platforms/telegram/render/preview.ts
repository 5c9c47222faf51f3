/** An answer as it grows: what is shown before it is complete. */

import { type FencedCode, sections } from '../../../text/parsing/fences.ts';
import { type RenderOptions, render } from './render.ts';
import { EMPTY, join, MESSAGE_LIMIT, type Rendered, slice } from './rendered.ts';
import { split } from './split.ts';

export type PreviewOptions = RenderOptions;

const ELLIPSIS: Rendered = { text: '…', entities: [] };

/** Markdown is longer than what it renders to; what stands further back is not shown anyway. */
const SOURCE_SHARE = 3;

/**
 * One message of at most `limit` UTF-16 code units, with at most as many entities as Telegram
 * takes: the newest text where there is more. Code that is still growing shows as code.
 * Never throws.
 */
export function renderPreview(
  markdownSoFar: string,
  limit: number = MESSAGE_LIMIT,
  options: PreviewOptions = {},
): Rendered {
  const source = newest(withoutHalfFence(markdownSoFar), limit * SOURCE_SHARE);
  const rendered = render(source.markdown, options);
  if (!source.cut && rendered.text.length <= limit) return split(rendered, limit)[0] ?? EMPTY;
  const room = limit - ELLIPSIS.text.length - 1;
  if (room < 2) return EMPTY;
  const tail = slice(rendered, tailStart(rendered.text, room), rendered.text.length);
  // Too many entities for one message: what fits, from the end.
  const parts = split(tail, room);
  return join([ELLIPSIS, parts.at(-1) ?? EMPTY], '\n');
}

/** The first backticks of a fence that is about to open or close. */
function withoutHalfFence(markdown: string): string {
  return markdown.replace(/(^|\n)[ \t]*(?:`{1,2}|~{1,2})$/, '$1');
}

/** The last lines of at most `length`; where that cuts code, its fence stands before them. */
function newest(markdown: string, length: number): { markdown: string; cut: boolean } {
  if (markdown.length <= length) return { markdown, cut: false };
  const cut = lineStart(markdown, markdown.length - length);
  const open = openFence(markdown.slice(0, cut));
  const fence = open === undefined ? '' : `${open.fence}${open.info}\n`;
  return { markdown: fence + markdown.slice(cut), cut: true };
}

function openFence(before: string): FencedCode | undefined {
  const last = sections(before).at(-1);
  return last?.type === 'code' && !last.closed ? last : undefined;
}

/** Where the last `room` begin; at a line where that leaves most of them. */
function tailStart(text: string, room: number): number {
  const from = Math.max(0, text.length - room);
  const line = lineStart(text, from);
  return text.length - line >= room / 2 ? line : wholeCharacter(text, from);
}

/** The first beginning of a line from `from` on; `from` itself where none is near. */
function lineStart(text: string, from: number): number {
  if (from <= 0 || text[from - 1] === '\n') return Math.max(0, from);
  const newline = text.indexOf('\n', from);
  return newline === -1 || newline - from > 1000 ? wholeCharacter(text, from) : newline + 1;
}

/** Leaves out the second half of a surrogate pair. */
function wholeCharacter(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff ? at + 1 : at;
}
