/** Updates as Telegram's documentation describes them, for tests that need no server. */

import type { Message, MessageEntity, Update, User } from 'grammy/types';
import type { PlatformEvent } from '../../../src/chat/message.ts';
import { UpdateReader } from '../../../src/platforms/telegram/update-reader.ts';

export const BOT = { id: 99, username: 'latch_bot' };
export const ANN: User = { id: 7, is_bot: false, first_name: 'Ann', last_name: 'Lee' };
export const BEN: User = { id: 8, is_bot: false, first_name: 'Ben' };
export const BOT_USER: User = { id: BOT.id, is_bot: true, first_name: 'Latchkey' };

export const PRIVATE = { id: ANN.id, type: 'private', first_name: 'Ann' } as const;
export const GROUP = { id: -1001, type: 'supergroup', title: 'Team' } as const;

let nextId = 1;

type Fields = Partial<Omit<Message, 'chat' | 'reply_to_message'>> & {
  chat?: Message['chat'];
  reply_to_message?: Message;
};

/** A message, with entities for commands and mentions as clients find them. */
export function message(fields: Fields = {}): Message & { from: User } {
  const id = nextId++;
  const entities = fields.text === undefined ? undefined : found(fields.text);
  const made = {
    message_id: id,
    date: 1_800_000_000 + id * 10,
    chat: PRIVATE,
    from: ANN,
    ...(entities === undefined ? {} : { entities }),
    ...fields,
  };
  return made as Message & { from: User };
}

export function found(text: string): MessageEntity[] {
  return [...text.matchAll(/(?<!\S)(?:\/\w+(?:@\w+)?|@\w+)/g)].map((match) => ({
    type: match[0].startsWith('/') ? 'bot_command' : 'mention',
    offset: match.index,
    length: match[0].length,
  }));
}

export function reader(): UpdateReader {
  return new UpdateReader(BOT);
}

export function update(fields: Omit<Update, 'update_id'>): Update {
  return { update_id: nextId++, ...fields };
}

/** What a batch of messages is read as; nothing for those that concern nobody. */
export function read(messages: readonly unknown[], by = reader()): PlatformEvent[] {
  return readUpdates(
    messages.map((one) => ({ update_id: nextId++, message: one })),
    by,
  );
}

export function readUpdates(batch: readonly unknown[], by = reader()): PlatformEvent[] {
  return by.readAll(batch).flatMap((reading) => (reading.kind === 'event' ? [reading.event] : []));
}

/** The one message that a message is read as. */
export function readOne(fields: Fields, by = reader()) {
  const [event] = read([message(fields)], by);
  return event?.type === 'message' ? event.message : undefined;
}

export function mergesOf(events: readonly PlatformEvent[]) {
  return events.map((event) => (event.type === 'message' ? event.message.merge : undefined));
}
