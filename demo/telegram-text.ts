/** Telegram's text with its entities, as lines for a terminal. */

import type { MessageEntity } from 'grammy/types';
import { type Line, type Span, type Style, span } from '../src/platforms/terminal/style.ts';

/** Columns of the rules around code, as the chat in the terminal draws them. */
const CODE_RULE = 24;

const STYLES: Partial<Record<MessageEntity['type'], Style>> = {
  bold: 'bold',
  italic: 'italic',
  underline: 'underline',
  strikethrough: 'strike',
  code: 'code',
  mention: 'underline',
  text_link: 'underline',
  url: 'underline',
};

export function telegramLines(text: string, entities: readonly MessageEntity[]): Line[] {
  const lines: Line[] = [];
  let from = 0;
  for (const entity of entities) {
    if (entity.type !== 'pre' || entity.offset < from) continue;
    const end = entity.offset + entity.length;
    lines.push(...flowing(text.slice(from, entity.offset).replace(/\n$/, ''), from, entities));
    lines.push(...codeLines(text.slice(entity.offset, end), entity.language));
    from = text.charAt(end) === '\n' ? end + 1 : end;
  }
  return [...lines, ...flowing(text.slice(from), from, entities)];
}

function codeLines(code: string, language = ''): Line[] {
  const name = language === '' ? '' : ` ${language} `;
  return [
    { spans: [span(`──${name}`.padEnd(CODE_RULE, '─'), 'dim')] },
    ...code.split('\n').map((row) => ({ spans: [span(row, 'code')] })),
    { spans: [span('─'.repeat(CODE_RULE), 'dim')] },
  ];
}

/** @param start where `text` begins in the message, in UTF-16 units, as the entities count */
function flowing(text: string, start: number, entities: readonly MessageEntity[]): Line[] {
  if (text === '') return [];
  let at = start;
  return text.split('\n').map((row) => {
    const spans = styled(row, at, entities);
    at += row.length + 1;
    return { spans, hang: /^(?:•|\d+\.) /.exec(row)?.[0].length ?? 0 };
  });
}

function styled(row: string, start: number, entities: readonly MessageEntity[]): Span[] {
  const end = start + row.length;
  const cuts = new Set([start, end]);
  for (const { offset, length } of entities) {
    for (const cut of [offset, offset + length]) if (cut > start && cut < end) cuts.add(cut);
  }
  const sorted = [...cuts].sort((one, other) => one - other);
  return sorted.slice(0, -1).map((from, index) => {
    const to = sorted[index + 1] ?? end;
    const styles = entities
      .filter(({ offset, length }) => offset <= from && to <= offset + length)
      .map(({ type }) => STYLES[type])
      .filter((style) => style !== undefined);
    return span(row.slice(from - start, to - start), ...styles);
  });
}
