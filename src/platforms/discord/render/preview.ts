/** An answer as it grows: what is shown before it is complete. */

import { type FencedCode, sections } from '../../../text/parsing/fences.ts';
import { isInvisible } from './clean.ts';
import { lastOfCode, lastOfLine } from './cut.ts';
import { render } from './render.ts';
import { split } from './split.ts';
import { sourceOf, type Unit } from './unit.ts';

const ELLIPSIS = '…\n';

/**
 * One message of at most `limit` UTF-16 code units: the newest text where there is more. Code that
 * is still growing shows as code. Never throws.
 * @returns an empty text where there is nothing to see
 */
export function renderPreview(markdownSoFar: string, limit: number): string {
  // Markdown can be longer than what is seen of it; what stands further back is not shown anyway.
  const { markdown, isCut } = newest(withoutHalfFence(markdownSoFar), limit * 2);
  const units = render(markdown);
  const messages = split(units, limit);
  const [whole = ''] = messages;
  if (!isCut && messages.length <= 1) return whole;
  const tail = lastOf(units, limit - ELLIPSIS.length);
  return isInvisible(tail) ? whole : ELLIPSIS + tail;
}

function lastOf(units: readonly Unit[], limit: number): string {
  let text = '';
  for (const unit of [...units].reverse()) {
    const source = sourceOf(unit);
    const between = text === '' ? '' : '\n';
    const room = limit - text.length - between.length;
    if (source.length <= room) {
      text = source + between + text;
      continue;
    }
    const last = unit.type === 'code' ? lastOfCode(unit, room) : lastOfLine(unit, room);
    return last === undefined ? text : sourceOf(last) + between + text;
  }
  return text;
}

/** The first backticks of a fence that is about to open or close. */
function withoutHalfFence(markdown: string): string {
  return markdown.replace(/(^|\n)[ \t]*(?:`{1,2}|~{1,2})$/, '$1');
}

/** The last lines of at most `length`; where that cuts code, its fence stands before them. */
function newest(markdown: string, length: number): { markdown: string; isCut: boolean } {
  if (markdown.length <= length) return { markdown, isCut: false };
  const at = markdown.length - length;
  const newline = markdown.indexOf('\n', at);
  const cut = newline === -1 ? at : newline + 1;
  const open = openFence(markdown.slice(0, cut));
  const fence = open === undefined ? '' : `${open.fence}${open.info}\n`;
  return { markdown: fence + markdown.slice(cut), isCut: true };
}

function openFence(before: string): FencedCode | undefined {
  const last = sections(before).at(-1);
  return last?.type === 'code' && !last.closed ? last : undefined;
}
