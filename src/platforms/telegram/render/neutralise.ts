/**
 * Telegram itself looks for `@names` and `/commands` in what a bot sends, also where the bot gives
 * entities of its own, and notifies those who are named. Its pattern needs the name directly behind
 * the `@` (TDLib's `match_mentions`, `match_bot_commands`), so an invisible character between them
 * keeps the text readable and names nobody. Code needs none: nothing is looked for inside `pre` and
 * `code`. Addresses keep their `@` and `/`, in what Telegram surely takes for one address: a link to
 * somebody's page (`t.me/name`) notifies nobody. Hashtags only start a search, and stay.
 */

import type { MessageEntity } from 'grammy/types';
import type { Rendered } from './rendered.ts';

/** Word joiner: no width, and no line breaks at it. */
const JOINER = '\u2060';

export interface NeutraliseOptions {
  /** Leave `/commands` as they are, which people can press. For the bot's own notices. */
  readonly keepCommands: boolean;
}

const MENTION = String.raw`(?<![\p{L}\p{N}_])@(?=[A-Za-z0-9_])`;
const COMMAND = String.raw`(?<![\p{L}\p{N}_/<>])\/(?=[A-Za-z0-9_]{1,64}(?![\p{L}\p{N}_/<>]))`;
/** Ends before whatever could end it for Telegram: brackets, quotes, commas. */
const ADDRESS = String.raw`(?<![\p{L}\p{N}_])https?:\/\/(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d{2,5})?(?:[/?#][\w~.%/?=&#+:@-]*)?(?![\w@])`;

const EVERYTHING = new RegExp(`${ADDRESS}|${MENTION}|${COMMAND}`, 'giu');
const MENTIONS = new RegExp(`${ADDRESS}|${MENTION}`, 'giu');

export function neutralise(rendered: Rendered, { keepCommands }: NeutraliseOptions): Rendered {
  const { text, entities } = rendered;
  const code = entities.filter(({ type }) => type === 'pre' || type === 'code');
  const inserts: number[] = [];
  let next = 0;
  for (const match of text.matchAll(keepCommands ? MENTIONS : EVERYTHING)) {
    if (match[0].length > 1) continue;
    while (next < code.length && end(code[next]) <= match.index) next += 1;
    const inside = code[next];
    if (inside === undefined || inside.offset > match.index) inserts.push(match.index + 1);
  }
  return inserts.length === 0 ? rendered : insert(text, entities, inserts);
}

function end(entity: MessageEntity | undefined): number {
  return entity === undefined ? 0 : entity.offset + entity.length;
}

function insert(
  text: string,
  entities: readonly MessageEntity[],
  positions: readonly number[],
): Rendered {
  const pieces: string[] = [];
  let from = 0;
  for (const position of positions) {
    pieces.push(text.slice(from, position), JOINER);
    from = position;
  }
  pieces.push(text.slice(from));
  return {
    text: pieces.join(''),
    entities: entities.map((entity) => {
      const offset = entity.offset + countUpTo(positions, entity.offset);
      // What is put in where an entity ends stands behind it.
      const last = end(entity) + countUpTo(positions, end(entity) - 1);
      return { ...entity, offset, length: last - offset };
    }),
  };
}

/** How many of the ascending `positions` are at most `value`. */
function countUpTo(positions: readonly number[], value: number): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((positions[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
