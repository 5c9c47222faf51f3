/** What those who may manage a chat have set for it with /chat. */

import { z } from 'zod';
import type { ChatAddress } from './message.ts';

export interface ChatRules {
  /** As {@link placeOf} names them; null: everywhere. */
  readonly places: readonly string[] | null;
  readonly answersIn: 'replies' | 'threads';
  readonly openTo: 'everybody' | 'managers';
  /** What the house answers here a day (UTC), and what that may cost it; null: no cap. */
  readonly turnsPerDay: number | null;
  readonly microsPerDay: number | null;
}

export const NO_RULES: ChatRules = {
  places: null,
  answersIn: 'replies',
  openTo: 'everybody',
  turnsPerDay: null,
  microsPerDay: null,
};

const placesColumn = z.array(z.string()).nullable().catch(null);

/** What `chat_settings.places` holds. What can't be read restricts nothing. */
export function readPlaces(column: unknown): readonly string[] | null {
  return placesColumn.parse(column);
}

/** Under what a chat's settings are kept: the server that it is part of, or itself. */
export function wholeOf(chat: ChatAddress): {
  readonly platform: string;
  readonly wholeId: string;
} {
  return { platform: chat.platform, wholeId: chat.wholeId ?? chat.chatId };
}

/** One thread or topic, or what is outside of all of them. */
export function placeOf({ chatId, threadId = '' }: ChatAddress): string {
  return `${chatId}/${threadId}`;
}

export function mayAnswerIn(rules: ChatRules, chat: ChatAddress): boolean {
  if (rules.places === null || rules.places.includes(placeOf(chat))) return true;
  // A channel of a server stands for its threads too; outside of a forum's topics is no such thing.
  const { threadId: _, ...channel } = chat;
  return chat.wholeId !== undefined && rules.places.includes(placeOf(channel));
}
