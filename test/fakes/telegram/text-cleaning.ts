/**
 * What Telegram's server does to a text before anything else (TDLib's `fix_formatted_text`):
 * control characters become spaces, some marks go, and the ends are trimmed.
 */

import { badRequest } from './api-error.ts';

const INVISIBLE = /^(?:\p{Z}|\p{Cc}|\p{Cf}|\p{M}|\u115f|\u1160|\u2800|\u3164|\uffa0)*$/u;

/** What becomes of one UTF-16 unit. Tabs become spaces; line feeds stay. */
function cleanUnit(unit: string): string {
  const code = unit.charCodeAt(0);
  if (code === 0x0d) return '';
  if (code < 0x20 && code !== 0x0a) return ' ';
  // Line and paragraph separators, bidirectional overrides, lines that run over others.
  if (code >= 0x2028 && code <= 0x202e) return '';
  return [0x030a, 0x0333, 0x033f].includes(code) ? '' : unit;
}

/** Something that lies over a part of the text, in UTF-16 units. */
export interface Span {
  offset: number;
  length: number;
}

/** @throws BotApiError when a span lies outside the text or cuts a surrogate pair in two */
export function checkBounds(text: string, spans: readonly Span[]): void {
  for (const { offset, length } of spans) {
    if (offset < 0 || offset > 1_000_000) {
      throw badRequest(`Receive an entity with incorrect offset ${offset}`);
    }
    if (length < 0 || length > 1_000_000) {
      throw badRequest(`Receive an entity with incorrect length ${length}`);
    }
  }
  for (const { offset, length } of spans) {
    if (length === 0) continue;
    const end = offset + length;
    if (offset > text.length) {
      throw badRequest(`Entity begins after the end of the text at UTF-16 offset ${offset}`);
    }
    if (cutsPair(text, offset)) {
      throw badRequest(
        `Entity begins in a middle of a UTF-16 symbol at byte offset ${byteOffset(text, offset)}`,
      );
    }
    if (end > text.length) {
      throw badRequest(
        `Entity beginning at UTF-16 offset ${offset} ends after the end of the text at UTF-16 offset ${end}`,
      );
    }
    if (cutsPair(text, end)) {
      throw badRequest(
        `Entity beginning at UTF-16 offset ${offset} ends in a middle of a UTF-16 symbol at byte offset ${byteOffset(text, end)}`,
      );
    }
  }
}

function cutsPair(text: string, at: number): boolean {
  return at > 0 && /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(at - 1, at + 1));
}

/** Of the first whole character after a cut pair. */
function byteOffset(text: string, at: number): number {
  return Buffer.byteLength(text.slice(0, at + 1));
}

/**
 * Cleans a text and moves the spans with it; spans that have become empty are left out.
 * @throws BotApiError when the text is no well-formed Unicode
 */
export function cleanText<T extends Span>(
  raw: string,
  spans: readonly T[],
): { text: string; spans: T[] } {
  if (!raw.isWellFormed()) throw badRequest('Strings must be encoded in UTF-8');
  const position: number[] = [];
  let cleaned = '';
  for (const unit of raw.split('')) {
    position.push(cleaned.length);
    cleaned += cleanUnit(unit);
  }
  position.push(cleaned.length);
  const moved = spans.map((span) => {
    const start = position[span.offset] ?? cleaned.length;
    const end = position[span.offset + span.length] ?? cleaned.length;
    return { ...span, offset: start, length: end - start };
  });
  return trim(
    cleaned,
    moved.filter((span) => span.length > 0),
  );
}

/** Spans hold leading blanks in place, not trailing ones: they are shortened. */
function trim<T extends Span>(text: string, spans: readonly T[]): { text: string; spans: T[] } {
  const body = text.replace(/[ \n]+$/, '');
  const first = Math.min(body.length, ...spans.map((span) => span.offset));
  const blanks = /^[ \n]*/.exec(body.slice(0, first))?.[0].length ?? 0;
  const kept = spans
    .map((span) => ({
      ...span,
      offset: span.offset - blanks,
      length: Math.min(span.offset + span.length, body.length) - span.offset,
    }))
    .filter((span) => span.length > 0);
  return { text: body.slice(blanks), spans: kept };
}

export function isBlank(text: string): boolean {
  return INVISIBLE.test(text);
}
