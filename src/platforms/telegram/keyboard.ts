import type { InlineKeyboardButton, InlineKeyboardMarkup } from 'grammy/types';
import type { Button } from '../../chat/platform.ts';
import type { BotApi } from './bot-api.ts';

type Rows = readonly (readonly Button[])[];

/** @throws whatever `me` throws, where a button leads to the direct chat */
export async function keyboardOf(
  api: Pick<BotApi, 'me'>,
  rows: Rows = [],
): Promise<InlineKeyboardMarkup | undefined> {
  if (rows.every((row) => row.length === 0)) return undefined;
  const leadsToDirectChat = rows.some((row) => row.some((button) => 'directChat' in button));
  const username = leadsToDirectChat ? (await api.me()).username : '';
  return {
    inline_keyboard: rows
      .filter((row) => row.length > 0)
      .map((row) => row.map((button) => keyOf(button, username))),
  };
}

function keyOf(button: Button, username: string): InlineKeyboardButton {
  const text = button.label;
  if ('action' in button) return { text, callback_data: button.action };
  if ('url' in button) return { text, url: button.url };
  return { text, url: directLink(username, button.directChat) };
}

export function directLink(username: string, payload: string): string {
  return `https://t.me/${username}?start=${encodeURIComponent(payload)}`;
}
