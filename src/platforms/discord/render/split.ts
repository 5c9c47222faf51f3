/** Makes messages of what was rendered. */

import { isInvisible } from './clean.ts';
import { cutCode, cutLine } from './cut.ts';
import { sourceOf, type Unit } from './unit.ts';

/** UTF-16 code units that a message holds. Discord counts characters, which are never more. */
export const MESSAGE_LIMIT = 2000;

/** Code that has to be cut anyway begins in a message that has this share of its room left. */
const FREE_SHARE = 0.25;
/** A message is ended at a blank line where that leaves it this full. */
const LEAST_SHARE = 0.5;

interface Placed {
  readonly unit: Unit;
  readonly source: string;
}

/**
 * Fills messages, ending them between blocks where that leaves them half full. Code stays whole
 * where it fits a message, and keeps its fences and its language where it doesn't; a heading stays
 * with what it heads.
 * @returns the sources of messages of at most `limit` UTF-16 code units, none of them empty
 */
export function split(units: readonly Unit[], limit: number = MESSAGE_LIMIT): string[] {
  const messages: string[] = [];
  let placed: Placed[] = [];
  const waiting = [...units].reverse();

  function end(at = placed.length): void {
    const message = textOf(placed.slice(0, at));
    if (!isInvisible(message)) messages.push(message);
    placed = placed.slice(at);
  }

  for (let unit = waiting.pop(); unit !== undefined; unit = waiting.pop()) {
    // Written, it is never shorter.
    if (textLength(unit) <= limit) {
      const next = { unit, source: sourceOf(unit) };
      if (lengthOf([...placed, next]) <= limit) {
        placed.push(next);
        continue;
      }
      if (next.source.length <= limit) {
        end(breakBefore(placed, next, limit));
        waiting.push(unit);
        continue;
      }
    }
    const room = limit - (placed.length === 0 ? 0 : lengthOf(placed) + unit.gap);
    const { head, rest } =
      room < limit * FREE_SHARE ? { head: undefined, rest: unit } : cut(unit, room);
    if (head !== undefined) {
      placed.push({ unit: head, source: sourceOf(head) });
      end();
      if (!isEmpty(rest)) waiting.push(rest);
    } else if (placed.length > 0) {
      end(placed.length);
      waiting.push(unit);
    }
    // Else nothing of it fits a message by itself, which its tokens are too short for.
  }
  end();
  return messages;
}

function cut(unit: Unit, room: number): { head: Unit | undefined; rest: Unit } {
  return unit.type === 'code' ? cutCode(unit, room) : cutLine(unit, room);
}

function textLength(unit: Unit): number {
  if (unit.type === 'code') return unit.content.length;
  return unit.tokens.reduce(
    (sum, token) => sum + (token.kind === 'text' ? token.text : token.source).length,
    0,
  );
}

function isEmpty(unit: Unit): boolean {
  return unit.type === 'code' ? unit.content.trim() === '' : unit.tokens.length === 0;
}

/** How many of those placed stay, so that the others go on with `next`. At least one. */
function breakBefore(placed: readonly Placed[], next: Placed, limit: number): number {
  let best = placed.length;
  if (!isBoundary(placed.at(-1), next)) {
    for (let at = placed.length - 1; at > 0; at -= 1) {
      if (lengthOf(placed.slice(0, at)) < limit * LEAST_SHARE) break;
      if (!isBoundary(placed[at - 1], placed[at])) continue;
      if (lengthOf([...placed.slice(at), next]) <= limit) best = at;
      break;
    }
  }
  let at = best;
  while (at > 0 && isHeading(placed[at - 1])) at -= 1;
  const carried = lengthOf([...placed.slice(at), next]);
  return at > 0 && carried <= limit ? at : best;
}

function isBoundary(before: Placed | undefined, next: Placed | undefined): boolean {
  if (before === undefined || next === undefined) return true;
  return next.unit.gap > 1 || before.unit.type === 'code' || next.unit.type === 'code';
}

function isHeading(placed: Placed | undefined): boolean {
  return placed?.unit.type === 'line' && placed.unit.isHeading;
}

function textOf(placed: readonly Placed[]): string {
  return placed
    .map(({ unit, source }, index) => (index === 0 ? '' : '\n'.repeat(unit.gap)) + source)
    .join('');
}

function lengthOf(placed: readonly Placed[]): number {
  return placed.reduce(
    (sum, { unit, source }, index) => sum + source.length + (index === 0 ? 0 : unit.gap),
    0,
  );
}
