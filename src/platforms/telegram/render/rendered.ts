/** What Telegram takes: plain text, and entities that say how it looks. */

import type { MessageEntity } from 'grammy/types';

/** Offsets and lengths are in UTF-16 code units, as in JavaScript's strings. */
export interface Rendered {
  readonly text: string;
  readonly entities: readonly MessageEntity[];
}

/** UTF-16 code units: at most as many as the 4096 characters that Telegram takes. */
export const MESSAGE_LIMIT = 4096;

/** Telegram silently drops what is above. */
export const ENTITY_LIMIT = 100;

export const EMPTY: Rendered = { text: '', entities: [] };

/**
 * Entities that must not be dropped (what they cover would be read as something else, a `@name` in
 * code as a mention) nor cut without need.
 */
export function isSolid(entity: MessageEntity): boolean {
  switch (entity.type) {
    case 'pre':
    case 'code':
    case 'date_time':
    case 'text_link':
      return true;
    default:
      return false;
  }
}

export function isQuote(entity: MessageEntity): boolean {
  return entity.type === 'blockquote' || entity.type === 'expandable_blockquote';
}

/** The order in which Telegram sorts them: outer before inner. */
export function sortEntities(entities: readonly MessageEntity[]): MessageEntity[] {
  return entities.toSorted(
    (a, b) => a.offset - b.offset || b.length - a.length || rank(a) - rank(b),
  );
}

function rank(entity: MessageEntity): number {
  if (isQuote(entity)) return 0;
  return isSolid(entity) ? 1 : 2;
}

/**
 * What Telegram counts as nothing: a message of only these is refused ("text must be non-empty").
 * After TDLib's `strip_empty_characters`.
 */
const BLANK =
  /^[\s\u00a0\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2060\u2800\u3000\ufeff\ufffc\u{e0000}-\u{e007f}]*$/u;

export function isBlank(text: string): boolean {
  return BLANK.test(text);
}

/**
 * The part from `from` to `to`, without white space at its edges: Telegram takes spaces and
 * newlines off itself, and would count offsets from there. Indentation of code that begins the
 * part stays, as it does in Telegram (it trims up to the first entity only).
 */
export function slice(rendered: Rendered, from: number, to: number): Rendered {
  const { text, entities } = rendered;
  const start = skipSpace(rendered, from, to);
  let end = to;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1;
  const part = text.slice(start, end);
  if (isBlank(part)) return EMPTY;
  const inside: MessageEntity[] = [];
  for (const entity of entities) {
    const first = Math.max(entity.offset, start);
    const last = Math.min(entity.offset + entity.length, end);
    if (first >= last) continue;
    // Formatting of nothing but white space is nothing.
    if (isBlank(text.slice(first, last))) continue;
    inside.push({ ...entity, offset: first - start, length: last - first });
  }
  return { text: part, entities: sortEntities(inside) };
}

/** Where a part that begins at `from` really begins. */
export function skipSpace({ text, entities }: Rendered, from: number, to: number): number {
  let start = from;
  while (start < to && isSpace(text.charCodeAt(start))) start += 1;
  if (start === from) return start;
  const pre = entities.find(
    ({ type, offset, length }) => type === 'pre' && offset <= start && start < offset + length,
  );
  if (pre === undefined) return start;
  return Math.max(from, pre.offset, text.lastIndexOf('\n', start - 1) + 1);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a;
}

/** One below the other, `gap` between them. */
export function join(parts: readonly Rendered[], gap = '\n\n'): Rendered {
  let text = '';
  const entities: MessageEntity[] = [];
  for (const part of parts) {
    if (part.text === '') continue;
    if (text !== '') text += gap;
    for (const entity of part.entities) {
      entities.push({ ...entity, offset: entity.offset + text.length });
    }
    text += part.text;
  }
  return { text, entities };
}
