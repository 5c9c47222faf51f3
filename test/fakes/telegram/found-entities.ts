/** The entities that clients and servers find in a text by themselves. */

import type { MessageEntity } from 'grammy/types';

type FoundType = 'url' | 'email' | 'mention' | 'bot_command' | 'hashtag';

/** After TDLib's patterns, with a short list of top-level domains. Earlier ones win. */
const PATTERNS: readonly (readonly [FoundType, RegExp])[] = [
  ['email', /(?<![\w.+-])[\w.+-]+@[a-z\d-]+(?:\.[a-z\d-]+)*\.[a-z]{2,}(?![\w-])/giu],
  ['url', /(?:https?|tg|ton):\/\/[^\s<>"'`]*[\p{L}\p{N}/_=&%-]/giu],
  [
    'url',
    /(?<![\p{L}\p{N}_@.-])(?:[a-z\d-]+\.)+(?:com|org|net|io|dev|me|app|ai|de|ru|uk|info)(?![\p{L}\p{N}_-])(?:\/[^\s<>"'`]*[\p{L}\p{N}/_=&%-])?/giu,
  ],
  ['mention', /(?<![\p{L}\p{N}_])@[a-z\d_]{3,32}(?![\p{L}\p{N}_])/giu],
  [
    'bot_command',
    /(?<![\p{L}\p{N}_/<>])\/[a-z\d_]{1,64}(?:@[a-z\d_]{3,32})?(?![\p{L}\p{N}_/<>])/giu,
  ],
  ['hashtag', /(?<![\p{L}\p{N}_])#[\p{L}\p{N}_]*\p{L}[\p{L}\p{N}_]*/giu],
];

/** None of them lies over one of `taken`. In order of their offsets. */
export function findEntities(
  text: string,
  taken: readonly { readonly offset: number; readonly length: number }[] = [],
): MessageEntity.CommonMessageEntity[] {
  const found: MessageEntity.CommonMessageEntity[] = [];
  for (const [type, pattern] of PATTERNS) {
    for (const match of text.matchAll(pattern)) {
      const entity = { type, offset: match.index, length: match[0].length };
      if (![...taken, ...found].some((other) => overlaps(entity, other))) found.push(entity);
    }
  }
  return found.sort((one, other) => one.offset - other.offset);
}

function overlaps(
  one: { readonly offset: number; readonly length: number },
  other: { readonly offset: number; readonly length: number },
): boolean {
  return one.offset < other.offset + other.length && other.offset < one.offset + one.length;
}
