/** What every sending method has in common: where to, in reply to what, for whom. */

import type { InlineKeyboardMarkup, LinkPreviewOptions, Message } from 'grammy/types';
import { z } from 'zod';
import { findChat, findTopic } from './access.ts';
import { badRequest } from './api-error.ts';
import { readReceiver } from './ephemeral.ts';
import { readInlineKeyboard } from './markup.ts';
import type { Params } from './params.ts';
import {
  asReplied,
  type ChatRecord,
  type LiveMessage,
  type StoredMessage,
  type World,
} from './state.ts';

const replySchema = z.object({
  message_id: z.number().int().optional(),
  ephemeral_message_id: z.number().int().optional(),
  chat_id: z.union([z.number(), z.string()]).optional(),
  allow_sending_without_reply: z.boolean().optional(),
  quote: z.string().optional(),
});

const previewSchema = z.object({
  is_disabled: z.boolean().optional(),
  url: z.string().optional(),
  prefer_small_media: z.boolean().optional(),
  prefer_large_media: z.boolean().optional(),
  show_above_text: z.boolean().optional(),
});

/** Where a message of the bot goes, checked. */
export interface Destination {
  readonly record: ChatRecord;
  readonly topic: number | undefined;
  readonly replyTo: StoredMessage | undefined;
  readonly quote: string | undefined;
  readonly receiver: number | undefined;
  readonly keyboard: InlineKeyboardMarkup | undefined;
}

/** @throws BotApiError */
export function readDestination(world: World, params: Params): Destination {
  const record = findChat(world, params, 'send');
  const named = findTopic(record, params);
  const reply = params.json('reply_parameters', replySchema, 'reply parameters') ?? {
    message_id: params.integer('reply_to_message_id'),
    allow_sending_without_reply: params.flag('allow_sending_without_reply'),
  };
  const replyTo = findReplied(world, record, reply);
  const receiver = readReceiver(world, record, params, replyTo);
  if (replyTo?.onlyFor !== undefined && receiver === undefined) {
    throw badRequest('a reply to an ephemeral message must be an ephemeral message');
  }
  if (reply.quote !== undefined && replyTo !== undefined) {
    const { text = '', caption = '' } = replyTo.current;
    if (!(text + caption).includes(reply.quote)) throw badRequest('QUOTE_TEXT_INVALID');
  }
  const isTopic = replyTo?.current.is_topic_message === true;
  const topic = named ?? (isTopic ? replyTo.current.message_thread_id : undefined);
  return {
    record,
    topic,
    replyTo,
    quote: reply.quote,
    receiver,
    keyboard: readInlineKeyboard(params),
  };
}

function findReplied(
  world: World,
  record: ChatRecord,
  reply: z.infer<typeof replySchema>,
): StoredMessage | undefined {
  const ephemeralId = reply.ephemeral_message_id ?? 0;
  const messageId = reply.message_id ?? 0;
  if (ephemeralId <= 0 && messageId <= 0) return undefined;
  const found =
    ephemeralId > 0
      ? record.log.find(
          (stored) =>
            !stored.deleted &&
            !stored.outgoing &&
            stored.current.ephemeral_message_id === ephemeralId,
        )
      : world.findMessage(record, messageId);
  if (found !== undefined || reply.allow_sending_without_reply === true) return found;
  throw badRequest('message to be replied not found');
}

export function readPreview(params: Params): { link_preview_options?: LinkPreviewOptions } {
  const options = params.json('link_preview_options', previewSchema, 'link preview options');
  if (options === undefined) return {};
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { link_preview_options: Object.fromEntries(given) };
}

/** Stores a message of the bot and shows it to whom it may concern. */
export function send(world: World, to: Destination, content: Partial<Message>): Message {
  const { record, receiver } = to;
  const message: LiveMessage = {
    ...placing(record, to.topic, to.replyTo),
    ...(to.quote === undefined ? {} : { quote: { text: to.quote, position: 0 } }),
    ...(receiver === undefined ? {} : ephemeralFields(world, record, receiver)),
    ...content,
    ...(to.keyboard === undefined ? {} : { reply_markup: to.keyboard }),
    message_id: receiver === undefined ? world.nextMessageId(record) : 0,
    from: world.botUser,
    chat: record.chat,
    date: world.date(),
  };
  record.log.push({
    current: message,
    outgoing: true,
    service: false,
    deleted: false,
    ...(receiver === undefined ? {} : { onlyFor: receiver }),
  });
  if (receiver === undefined) record.drafts.delete(to.topic ?? 0);
  return message;
}

function ephemeralFields(world: World, record: ChatRecord, receiver: number): Partial<Message> {
  const user = record.members.get(receiver);
  return {
    ephemeral_message_id: world.nextEphemeralId(record),
    ...(user === undefined ? {} : { receiver_user: user }),
  };
}

/**
 * The fields that say which topic a message is in and what it replies to. In a topic, a message
 * that replies to nothing shows as a reply to the message that opened the topic; in supergroups
 * without topics, replies make threads.
 */
export function placing(
  record: ChatRecord,
  topic: number | undefined,
  replyTo: StoredMessage | undefined,
): Partial<Message> {
  if (topic !== undefined) {
    const opening = record.chat.type === 'private' ? undefined : record.topics.get(topic);
    const shown = replyTo ?? opening;
    return {
      message_thread_id: topic,
      is_topic_message: true,
      ...(shown === undefined ? {} : { reply_to_message: asReplied(shown.current) }),
    };
  }
  if (replyTo === undefined) return {};
  const thread = replyTo.current.message_thread_id ?? replyTo.current.message_id;
  const isThread = record.chat.type === 'supergroup' && record.chat.is_forum !== true;
  return {
    ...(isThread && thread > 0 ? { message_thread_id: thread } : {}),
    reply_to_message: asReplied(replyTo.current),
  };
}
