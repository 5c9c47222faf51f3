/** One long rendered text as several messages. */

import type { MessageEntity } from 'grammy/types';
import {
  ENTITY_LIMIT,
  isSolid,
  MESSAGE_LIMIT,
  type Rendered,
  skipSpace,
  slice,
} from './rendered.ts';

/** A better place to cut is taken only where the part keeps at least this share of the limit. */
const LEAST_SHARE = 1 / 4;
/** Code that fits into no message begins in this one where at least this share of it is free. */
const FREE_SHARE = 1 / 4;

/**
 * Cuts between blocks where it can, else at lines, else at spaces, else anywhere but within a
 * character. Code that fits into one message is never cut. What spans a cut goes on in the next
 * part with the same look. Only white space at the cuts is lost.
 * @param limit in UTF-16 code units, at least 2
 * @returns parts that are not empty; none for a text without anything visible
 */
export function split(rendered: Rendered, limit: number = MESSAGE_LIMIT): Rendered[] {
  const parts: Rendered[] = [];
  const { text } = rendered;
  let from = skipSpace(rendered, 0, text.length);
  while (from < text.length) {
    const to = Math.max(findCut(rendered, from, limit), from + 1);
    const part = slice(rendered, from, to);
    if (part.text !== '') parts.push({ text: part.text, entities: limitEntities(part.entities) });
    from = skipSpace(rendered, to, text.length);
  }
  return parts;
}

/** @returns a position after `from` */
function findCut(rendered: Rendered, from: number, limit: number): number {
  const { text, entities } = rendered;
  const to = Math.min(
    from + limit,
    firstAboveEntityLimit(entities, from) ?? text.length,
    text.length,
  );
  if (to === text.length) return to;
  const place = new Place(rendered, from, to, limit);
  return place.beforeHeading(place.cut());
}

/** Entities that may not be dropped: the part has to end before there are too many of them. */
function firstAboveEntityLimit(
  entities: readonly MessageEntity[],
  from: number,
): number | undefined {
  let count = 0;
  for (const entity of entities) {
    if (!isSolid(entity) || entity.offset + entity.length <= from) continue;
    count += 1;
    if (count > ENTITY_LIMIT && entity.offset > from) return entity.offset;
  }
  return undefined;
}

/** Where a part that begins at `from` may end; it has to by `to`. */
class Place {
  readonly #text: string;
  readonly #from: number;
  readonly #to: number;
  readonly #limit: number;
  readonly #near: readonly MessageEntity[];

  constructor({ text, entities }: Rendered, from: number, to: number, limit: number) {
    this.#text = text;
    this.#from = from;
    this.#to = to;
    this.#limit = limit;
    this.#near = entities.filter(({ offset, length }) => offset < to && offset + length > from);
  }

  cut(): number {
    const pre = this.#near.find(
      ({ type, offset, length }) =>
        type === 'pre' && offset < this.#to && offset + length > this.#to,
    );
    return pre === undefined ? this.#cutText() : this.#cutAtCode(pre);
  }

  #cutAtCode({ offset, length }: MessageEntity): number {
    if (offset > this.#from) {
      const free = this.#to - offset;
      if (length <= this.#limit || free < this.#limit * FREE_SHARE) return offset;
    }
    const line = this.#text.lastIndexOf('\n', this.#to);
    return line > Math.max(this.#from, offset) ? line : this.#anywhere();
  }

  #cutText(): number {
    const least = this.#from + Math.floor(this.#limit * LEAST_SHARE);
    return (
      this.#lastBlock(least) ??
      this.#last(/\n(?=\S)/g, least) ??
      this.#last(/\n/g, least) ??
      this.#last(/ /g, this.#from + 1) ??
      this.#last(/\n/g, this.#from + 1) ??
      this.#anywhere()
    );
  }

  /** The last blank line, or end of a block of code, from `least` on. */
  #lastBlock(least: number): number | undefined {
    let best = this.#last(/\n\n/g, least);
    for (const { type, offset, length } of this.#near) {
      if (type !== 'pre') continue;
      for (const edge of [offset, offset + length]) {
        if (edge >= least && edge <= this.#to && edge > (best ?? 0)) best = edge;
      }
    }
    return best;
  }

  /** The last match from `least` on that is outside of code, links and times. */
  #last(pattern: RegExp, least: number): number | undefined {
    let best: number | undefined;
    // One more: a cut where the limit is may fall on the white space that follows.
    const window = this.#text.slice(least, this.#to + 2);
    for (const { index } of window.matchAll(pattern)) {
      const at = least + index;
      if (at > this.#from && at <= this.#to && !this.#isInside(at)) best = at;
    }
    return best;
  }

  #isInside(at: number): boolean {
    return this.#near.some(
      (entity) => isSolid(entity) && entity.offset < at && at < entity.offset + entity.length,
    );
  }

  #anywhere(): number {
    return graphemeBoundary(this.#text, this.#from, this.#to);
  }

  /** A heading goes with what it heads: bold lines right before the cut go to the next part. */
  beforeHeading(cut: number): number {
    let end = cut;
    for (;;) {
      while (end > this.#from && isSpace(this.#text[end - 1])) end -= 1;
      const start = this.#text.lastIndexOf('\n', end - 1) + 1;
      if (start <= this.#from || !this.#isBold(start, end)) break;
      end = start;
    }
    return end > this.#from && end < cut && this.#text[end - 1] === '\n' ? end : cut;
  }

  #isBold(start: number, end: number): boolean {
    return this.#near.some(
      ({ type, offset, length }) =>
        type === 'bold' && offset <= start && offset + length >= end && start < end,
    );
  }
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** UTF-16 code units behind the limit: enough to see whether a grapheme goes on there. */
const LOOK_AHEAD = 64;

/** The last boundary up to `to`: of graphemes where there is one near, else of code points. */
function graphemeBoundary(text: string, from: number, to: number): number {
  // From the start of the part: where flags pair up depends on all that are before.
  const near = graphemes.segment(text.slice(from, to + LOOK_AHEAD)).containing(to - from);
  const boundary = near === undefined ? to : from + near.index;
  // A name or a command must not begin a part where it began no word: nothing would be before it.
  const effective = text[boundary] === '@' || text[boundary] === '/';
  const places = [
    effective ? wholeCodePoint(text, boundary - 1) : boundary,
    boundary,
    wholeCodePoint(text, to),
  ];
  return places.find((at) => at > from) ?? to;
}

function wholeCodePoint(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return at > 0 && code >= 0xdc00 && code <= 0xdfff ? at - 1 : at;
}

function isSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\n';
}

/** Of more than Telegram keeps, the last ones that only make letters bold and the like go. */
function limitEntities(entities: readonly MessageEntity[]): readonly MessageEntity[] {
  if (entities.length <= ENTITY_LIMIT) return entities;
  let free = ENTITY_LIMIT - entities.filter(isSolid).length;
  return entities.filter((entity) => {
    if (isSolid(entity)) return true;
    free -= 1;
    return free >= 0;
  });
}
