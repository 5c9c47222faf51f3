import type { InlineKeyboardMarkup } from 'grammy/types';
import type { Answer } from '../../chat/reply.ts';
import { codeFileCaption, EMPTY_ANSWER, MAY_BE_A_REPEAT } from '../../text/telegram.ts';
import type { Content } from './outbox.ts';
import {
  ENTITY_LIMIT,
  extractLongCode,
  join,
  MESSAGE_LIMIT,
  render,
  split,
} from './render/index.ts';

/** UTF-16 units. Code that fills more than two messages is only begun there, and comes as a file. */
const LONG_CODE = 2 * MESSAGE_LIMIT;

export type Part =
  | { readonly kind: 'text'; readonly content: Content; readonly keyboard?: InlineKeyboardMarkup }
  | {
      readonly kind: 'file';
      readonly name: string;
      readonly bytes: Uint8Array;
      readonly caption: Content;
    };

/** The same answer always gives the same parts: they are recorded by their number. */
export function partsOf(answer: Answer, keyboard: InlineKeyboardMarkup | undefined): Part[] {
  const { markdown, files } = extractLongCode(answer.markdown, LONG_CODE);
  const whole = join([render(markdown), render(answer.note ?? '', { keepCommands: true })]);
  const contents = textParts(whole);
  if (contents.length === 0) contents.push(render(EMPTY_ANSWER));
  const texts = contents.map((content, index): Part => {
    const isLast = index === contents.length - 1;
    return isLast && keyboard !== undefined
      ? { kind: 'text', content, keyboard }
      : { kind: 'text', content };
  });
  const documents = files.map(
    ({ name, content }): Part => ({
      kind: 'file',
      name,
      bytes: new TextEncoder().encode(content),
      caption: { text: codeFileCaption(name), entities: [] },
    }),
  );
  return [...texts, ...documents];
}

/** @returns none for a text without anything visible, which Telegram refuses */
export function textParts(content: Content): Content[] {
  return split(content, MESSAGE_LIMIT);
}

/** @returns undefined where the sentence does not fit any more */
export function marksRepeat(content: Content): Content | undefined {
  const marked = join([render(MAY_BE_A_REPEAT), content]);
  const fits = marked.text.length <= MESSAGE_LIMIT && marked.entities.length <= ENTITY_LIMIT;
  return fits ? marked : undefined;
}
