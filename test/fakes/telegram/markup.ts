/** Keyboards under messages: what Telegram takes of them. */

import type { InlineKeyboardMarkup } from 'grammy/types';
import { z } from 'zod';
import { badRequest } from './api-error.ts';
import { linkProblem } from './links.ts';
import type { Params } from './params.ts';

const BUTTON_LIMIT = 100;
const CALLBACK_DATA_BYTES = 64;

const style = z.enum(['primary', 'danger', 'success']).optional();
const buttonSchema = z.object({
  text: z.string(),
  style,
  url: z.string().optional(),
  callback_data: z.string().optional(),
  switch_inline_query: z.string().optional(),
  switch_inline_query_current_chat: z.string().optional(),
  copy_text: z.object({ text: z.string() }).optional(),
  web_app: z.object({ url: z.string() }).optional(),
  disabled: z.object({}).optional(),
});
const markupSchema = z.object({
  inline_keyboard: z.array(z.array(buttonSchema)).optional(),
  keyboard: z.array(z.array(z.unknown())).optional(),
  remove_keyboard: z.boolean().optional(),
  force_reply: z.boolean().optional(),
});

type ButtonInput = z.infer<typeof buttonSchema>;
type InlineButton = InlineKeyboardMarkup['inline_keyboard'][number][number];

/**
 * @param onlyInline editing takes inline keyboards only
 * @returns undefined when there is none, or one of another kind: those are not part of messages
 * @throws BotApiError
 */
export function readInlineKeyboard(
  params: Params,
  { onlyInline = false } = {},
): InlineKeyboardMarkup | undefined {
  const markup = params.json('reply_markup', markupSchema, 'reply keyboard markup');
  if (markup === undefined) return undefined;
  if (markup.inline_keyboard === undefined) {
    if (onlyInline) throw badRequest('Inline keyboard expected');
    return undefined;
  }
  const rows = markup.inline_keyboard.filter((row) => row.length > 0);
  if (rows.flat().length > BUTTON_LIMIT) throw badRequest('reply markup is too long');
  return rows.length === 0 ? undefined : { inline_keyboard: rows.map((row) => row.map(toButton)) };
}

function toButton(input: ButtonInput): InlineButton {
  const label = { text: input.text, ...(input.style === undefined ? {} : { style: input.style }) };
  if (input.text.trim() === '') throw badRequest('Inline keyboard button text must be non-empty');
  if (input.url !== undefined && input.url !== '') {
    const problem = linkProblem(input.url);
    if (problem !== undefined) {
      throw badRequest(`Inline keyboard button URL '${input.url}' is invalid: ${problem}`);
    }
    return { ...label, url: input.url };
  }
  if (input.callback_data !== undefined && input.callback_data !== '') {
    if (Buffer.byteLength(input.callback_data) > CALLBACK_DATA_BYTES) {
      throw badRequest('BUTTON_DATA_INVALID');
    }
    return { ...label, callback_data: input.callback_data };
  }
  if (input.switch_inline_query !== undefined) {
    return { ...label, switch_inline_query: input.switch_inline_query };
  }
  if (input.switch_inline_query_current_chat !== undefined) {
    const { switch_inline_query_current_chat } = input;
    return { ...label, switch_inline_query_current_chat };
  }
  if (input.copy_text !== undefined) return { ...label, copy_text: input.copy_text };
  if (input.web_app !== undefined) return { ...label, web_app: input.web_app };
  if (input.disabled !== undefined) return { ...label, disabled: {} };
  throw badRequest(
    "Can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
  );
}
