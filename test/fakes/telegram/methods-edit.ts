import type { InlineKeyboardMarkup, MessageEntity } from 'grammy/types';
import { findChat } from './access.ts';
import { badRequest } from './api-error.ts';
import {
  checkLength,
  type FormattedText,
  MAX_CAPTION,
  MAX_TEXT,
  readFormattedText,
} from './formatted-text.ts';
import { readInlineKeyboard } from './markup.ts';
import type { MethodCall, MethodTable } from './method.ts';
import { readPreview } from './outgoing.ts';
import type { LiveMessage, StoredMessage, World } from './state.ts';

const TEXT = { text: 'text', entities: 'entities' };
const CAPTION = { text: 'caption', entities: 'caption_entities' };
const NOT_MODIFIED =
  'message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message';

export function editMethods(world: World): MethodTable {
  const lasting = (call: MethodCall) => findOwn(world, call);
  const ephemeral = (call: MethodCall) => findEphemeral(world, call);
  return {
    editMessageText: (call) => {
      const formatted = readText(call);
      return editText(world, call, lasting(call), formatted);
    },
    editMessageCaption: (call) => {
      const formatted = readFormattedText(call.params, CAPTION);
      return editCaption(world, call, lasting(call), formatted);
    },
    editMessageReplyMarkup: (call) => editKeyboard(world, call, lasting(call)),
    editEphemeralMessageText: (call) => {
      const formatted = readText(call);
      editText(world, call, ephemeral(call), formatted);
      return true;
    },
    editEphemeralMessageReplyMarkup: (call) => {
      editKeyboard(world, call, ephemeral(call));
      return true;
    },
  };
}

function readText({ params }: MethodCall): FormattedText {
  if (params.text('text') === '') throw badRequest('Message text is empty');
  return readFormattedText(params, TEXT);
}

function editText(
  world: World,
  { params, noteDropped }: MethodCall,
  stored: StoredMessage,
  formatted: FormattedText,
): LiveMessage {
  if (stored.current.text === undefined) {
    throw badRequest('There is no text in the message to edit');
  }
  const keyboard = readInlineKeyboard(params, { onlyInline: true });
  const limit = { atMost: MAX_TEXT, tooLong: 'MESSAGE_TOO_LONG', mayBeEmpty: false };
  const { text, entities, dropped } = checkLength(formatted, limit);
  noteDropped(dropped);
  const { entities: _, link_preview_options: __, ...rest } = stored.current;
  const preview = readPreview(params);
  return replace(world, stored, {
    ...withKeyboard({ ...rest, text }, keyboard),
    ...listed('entities', entities),
    ...preview,
  });
}

function editCaption(
  world: World,
  { params, noteDropped }: MethodCall,
  stored: StoredMessage,
  formatted: FormattedText,
): LiveMessage {
  if (stored.current.text !== undefined) {
    throw badRequest('There is no caption in the message to edit');
  }
  const keyboard = readInlineKeyboard(params, { onlyInline: true });
  const limit = { atMost: MAX_CAPTION, tooLong: 'MEDIA_CAPTION_TOO_LONG', mayBeEmpty: true };
  const { text, entities, dropped } = checkLength(formatted, limit);
  noteDropped(dropped);
  const { caption: _, caption_entities: __, ...rest } = stored.current;
  return replace(world, stored, {
    ...withKeyboard(rest, keyboard),
    ...(text === '' ? {} : { caption: text }),
    ...listed('caption_entities', entities),
  });
}

function editKeyboard(world: World, { params }: MethodCall, stored: StoredMessage): LiveMessage {
  const keyboard = readInlineKeyboard(params, { onlyInline: true });
  return replace(world, stored, withKeyboard(stored.current, keyboard));
}

/** An edit without a keyboard takes the old one away. */
function withKeyboard(
  message: LiveMessage,
  keyboard: InlineKeyboardMarkup | undefined,
): LiveMessage {
  const { reply_markup: _, ...rest } = message;
  return keyboard === undefined ? rest : { ...rest, reply_markup: keyboard };
}

function listed(
  name: 'entities' | 'caption_entities',
  entities: readonly MessageEntity[],
): { [field: string]: MessageEntity[] } {
  return entities.length === 0 ? {} : { [name]: [...entities] };
}

function replace(world: World, stored: StoredMessage, next: LiveMessage): LiveMessage {
  const { edit_date: _, ...before } = stored.current;
  const { edit_date: __, ...after } = next;
  if (canonical(before) === canonical(after)) throw badRequest(NOT_MODIFIED);
  stored.current = { ...next, edit_date: world.date() };
  return stored.current;
}

function canonical(message: object): string {
  return JSON.stringify(Object.entries(message).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** @throws BotApiError unless it is a message of the bot */
function findOwn(world: World, { params }: MethodCall): StoredMessage {
  if (params.text('chat_id') === '' && params.integer('message_id') === 0) {
    throw badRequest('Message identifier is not specified');
  }
  const record = findChat(world, params, 'change');
  const stored = world.findMessage(record, params.integer('message_id'));
  if (stored === undefined) throw badRequest('message to edit not found');
  if (!stored.outgoing || stored.service) throw badRequest("Message can't be edited");
  return stored;
}

/** @throws BotApiError */
function findEphemeral(world: World, { params }: MethodCall): StoredMessage {
  const record = findChat(world, params, 'change');
  const receiver = params.integer('receiver_user_id');
  const stored = world.findEphemeral(record, params.integer('ephemeral_message_id'), receiver);
  if (stored === undefined || !stored.outgoing) throw badRequest('MESSAGE_ID_INVALID');
  return stored;
}
