import { expect } from 'vitest';
import type { FileReference, IncomingMessage, PlatformEvent } from '../../../src/chat/message.ts';
import { UpdateReader } from '../../../src/platforms/telegram/update-reader.ts';
import { bentJson } from '../inputs.ts';
import { holds } from '../property.ts';

const ANN = { id: 7, is_bot: false, first_name: 'Ann', last_name: 'Lee', username: 'ann' };
const GROUP = { id: -1001, type: 'supergroup', title: 'Team' };
const PHOTO = { file_id: 'f1', width: 90, height: 90, file_size: 1000 };
const DOCUMENT = { file_id: 'f2', file_name: 'a.ts', mime_type: 'text/plain', file_size: 10 };

const MESSAGE = {
  message_id: 5,
  date: 1_800_000_000,
  from: ANN,
  chat: { id: 7, type: 'private', first_name: 'Ann' },
  text: '/ask@latch_bot what does `x` do?\nlet a\nlet b',
  entities: [
    { type: 'bot_command', offset: 0, length: 14 },
    { type: 'code', offset: 25, length: 3 },
    { type: 'pre', offset: 33, length: 11, language: 'ts' },
  ],
};

const UPDATES = [
  { update_id: 1, message: MESSAGE },
  {
    update_id: 2,
    message: {
      ...MESSAGE,
      chat: GROUP,
      message_thread_id: 4,
      is_topic_message: true,
      text: '@latch_bot, and this?',
      entities: [{ type: 'mention', offset: 0, length: 10 }],
      reply_to_message: { ...MESSAGE, message_id: 4, photo: [PHOTO] },
      quote: { text: 'what', is_manual: true },
    },
  },
  {
    update_id: 3,
    message: {
      message_id: 6,
      date: 1_800_000_001,
      from: ANN,
      chat: GROUP,
      caption: 'look',
      document: DOCUMENT,
      photo: [PHOTO, { ...PHOTO, width: 800 }],
      media_group_id: '12',
      forward_origin: { type: 'user', sender_user: ANN },
      external_reply: { origin: { type: 'chat', sender_chat: GROUP }, document: DOCUMENT },
    },
  },
  { update_id: 4, edited_message: { ...MESSAGE, text: 'x'.repeat(4096) } },
  {
    update_id: 5,
    callback_query: { id: '1', from: ANN, data: 'run:stop', message: { ...MESSAGE, from: ANN } },
  },
  { update_id: 6, message: { ...MESSAGE, chat: GROUP, migrate_to_chat_id: -1002 } },
  { update_id: 7, my_chat_member: { chat: GROUP, new_chat_member: { status: 'left' } } },
  { update_id: 8, stopped_message_generation: { chat: GROUP, draft_id: 12 } },
];

export const telegramUpdates = holds('Telegram’s updates', bentJson(UPDATES), (json) => {
  const raw = parse(json);
  const reader = new UpdateReader({ id: 99, username: 'latch_bot' });
  // As by long polling, where a batch is looked ahead into, and delivered twice.
  const readings = [...reader.readAll([raw, UPDATES[0], raw]), ...reader.readAll([raw])];
  expect(readings).toHaveLength(4);
  for (const reading of readings) if (reading.kind === 'event') expectStorable(reading.event);
});

/** What PostgreSQL takes, and nothing that is no number, no date or no text. */
export function expectStorable(event: PlatformEvent): void {
  if (event.type === 'message' || event.type === 'edit') expectMessage(event.message);
  expectTexts(event);
}

function expectTexts(value: unknown): void {
  if (typeof value === 'string') {
    expect(value).not.toContain('\u0000');
    expect(value.isWellFormed()).toBe(true);
  } else if (typeof value === 'object' && value !== null) Object.values(value).forEach(expectTexts);
}

export function expectMessage(message: IncomingMessage): void {
  const { chat, sender, messageId, order, sentAt, text, files, quoted } = message;
  for (const value of [chat.chatId, sender.platformUserId, sender.displayName, messageId]) {
    expect(typeof value).toBe('string');
  }
  expect(typeof text).toBe('string');
  expect(Number.isSafeInteger(order)).toBe(true);
  // Beyond, JavaScript writes years as PostgreSQL does not read them.
  expect(sentAt.toISOString()).toMatch(/^\d{4}-/);
  expect(message.merge?.waitMs ?? 0).toBeLessThan(60_000);
  for (const file of [...files, ...(quoted?.files ?? [])]) expectFile(file);
}

function expectFile({ id, name, mediaType }: FileReference): void {
  expect(id).not.toBe('');
  expect(name).not.toMatch(/[/\\]/);
  expect(name.length).toBeLessThan(300);
  expect(typeof mediaType).toBe('string');
}

export function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
