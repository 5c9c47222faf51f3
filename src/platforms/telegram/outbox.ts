/** One attempt at a time to put something into a chat. Errors are grammY's own: for this folder only. */

import { InputFile } from 'grammy';
import type { InlineKeyboardMarkup, Message, MessageEntity, ReplyParameters } from 'grammy/types';
import type { ChatAddress } from '../../chat/message.ts';
import { type NoticeFile, PlatformError } from '../../chat/platform.ts';
import { Recent } from '../../chat/sending/recent.ts';
import type { BotApi } from './bot-api.ts';
import { destination } from './chat-address.ts';
import { isDeletedAlready, isNotModified, migratedTo, toPlatformError } from './errors.ts';
import { messageIdOf, parseMessageId } from './message-id.ts';

export interface Content {
  /** At most 4096 UTF-16 units, not empty. */
  readonly text: string;
  readonly entities: readonly MessageEntity[];
}

export interface Placement {
  /** As {@link messageIdOf} names it. */
  readonly replyTo?: string;
  readonly keyboard?: InlineKeyboardMarkup;
  /** Shows it to one person of a group alone. */
  readonly ephemeral?: { readonly readerId: number; readonly pressId?: string };
}

/** Links in answers show no preview: nothing is fetched with what a model was made to say. */
const NO_PREVIEW = { link_preview_options: { is_disabled: true } };

export class Outbox {
  readonly #api: BotApi;
  /** Old ids of groups that became supergroups while something was on its way to them. */
  readonly #moved = new Recent<string, string>(1000);

  constructor(api: BotApi) {
    this.#api = api;
  }

  async sendText(chat: ChatAddress, content: Content, placement: Placement): Promise<string> {
    const message = await this.#toWhereItIs(chat, placement, (to, placed) =>
      degrading(content, placed, ({ text, entities }, { ephemeral, ...options }) => {
        const { chat_id, ...topic } = destination(to);
        return this.#api.sending.sendMessage(chat_id, text, {
          ...topic,
          ...NO_PREVIEW,
          ...optionsOf(options),
          ...(entities.length === 0 ? {} : { entities: [...entities] }),
          ...(ephemeral === undefined
            ? {}
            : { ephemeral_message_parameters: ephemeralParameters(ephemeral) }),
        });
      }),
    );
    return sentId(message, placement.ephemeral?.readerId);
  }

  /** Replaces text and buttons. That it says so already is no error. */
  async editText(
    chat: ChatAddress,
    messageId: string,
    content: Content,
    keyboard?: InlineKeyboardMarkup,
  ): Promise<void> {
    const handle = parseMessageId(messageId);
    if (handle === undefined) throw new PlatformError('gone', 'No message has such an id');
    const placement = keyboard === undefined ? {} : { keyboard };
    await degrading(content, placement, async ({ text, entities }, options) => {
      const { chat_id } = destination(chat);
      const what = {
        ...NO_PREVIEW,
        ...(entities.length === 0 ? {} : { entities: [...entities] }),
        ...(options.keyboard === undefined ? {} : { reply_markup: options.keyboard }),
      };
      try {
        if (handle.kind === 'lasting') {
          await this.#api.sending.editMessageText(chat_id, handle.messageId, text, what);
        } else {
          const { readerId, ephemeralId } = handle;
          await this.#api.sending.editEphemeralMessageText(
            chat_id,
            readerId,
            ephemeralId,
            text,
            what,
          );
        }
      } catch (error) {
        if (!isNotModified(error)) throw error;
      }
    });
  }

  async sendFile(
    chat: ChatAddress,
    file: Pick<NoticeFile, 'name' | 'bytes' | 'picture'>,
    caption: Content,
  ): Promise<string> {
    const message = await this.#toWhereItIs(chat, {}, async (to): Promise<Message> => {
      const { chat_id, ...topic } = destination(to);
      const input = new InputFile(file.bytes, file.name);
      const options = {
        ...topic,
        caption: caption.text,
        caption_entities: [...caption.entities],
      };
      return file.picture === undefined
        ? this.#api.sending.sendDocument(chat_id, input, options)
        : this.#api.sending.sendPhoto(chat_id, input, options);
    });
    return sentId(message);
  }

  /** That it is gone already is no error. */
  async deleteMessage(chat: ChatAddress, messageId: string): Promise<void> {
    const handle = parseMessageId(messageId);
    if (handle === undefined) throw new PlatformError('refused', 'No message has such an id');
    const { chat_id } = destination(chat);
    try {
      if (handle.kind === 'lasting') {
        await this.#api.sending.deleteMessage(chat_id, handle.messageId);
      } else {
        const { readerId, ephemeralId } = handle;
        await this.#api.sending.deleteEphemeralMessage(chat_id, readerId, ephemeralId);
      }
    } catch (error) {
      if (!isDeletedAlready(error)) throw error;
    }
  }

  /** At most 100, none older than 48 hours: one that may not be deleted keeps all others. */
  async deleteMessages(chat: ChatAddress, messageIds: readonly number[]): Promise<void> {
    const { chat_id } = destination(chat);
    await this.#api.sending.deleteMessages(chat_id, [...messageIds]);
  }

  async #toWhereItIs<T>(
    chat: ChatAddress,
    placement: Placement,
    send: (to: ChatAddress, placement: Placement) => Promise<T>,
  ): Promise<T> {
    const to = this.#movedTo(chat);
    try {
      return await send(to, to === chat ? placement : withoutReply(placement));
    } catch (error) {
      const newId = migratedTo(error);
      if (newId === undefined) throw error;
      this.#moved.set(chat.chatId, String(newId));
      return await send(this.#movedTo(chat), withoutReply(placement));
    }
  }

  /** Numbers of messages and topics of the old group mean nothing in the new one: none is edited there. */
  #movedTo(chat: ChatAddress): ChatAddress {
    const chatId = this.#moved.get(chat.chatId);
    return chatId === undefined ? chat : { platform: chat.platform, kind: chat.kind, chatId };
  }
}

function withoutReply({ replyTo: _, ...rest }: Placement): Placement {
  return rest;
}

/**
 * Refused formatting, replies or buttons must not cost the text: it is tried without them.
 * Telegram refuses as a whole, so nothing is sent twice.
 */
async function degrading<T>(
  content: Content,
  placement: Placement,
  send: (content: Content, placement: Placement) => Promise<T>,
): Promise<T> {
  const { keyboard: _, ...bare } = withoutReply(placement);
  const plain = { text: content.text, entities: [] };
  const attempts: readonly (readonly [Content, Placement])[] = [
    [content, placement],
    ...(placement.replyTo === undefined ? [] : [[content, withoutReply(placement)] as const]),
    ...(content.entities.length === 0 ? [] : [[plain, withoutReply(placement)] as const]),
    ...(placement.keyboard === undefined ? [] : [[plain, bare] as const]),
  ];
  // What one person alone may see has another way out: the sender says less, and says it to all.
  const tried = placement.ephemeral === undefined ? attempts : attempts.slice(0, 2);
  let refusal: unknown;
  for (const [what, how] of tried) {
    try {
      return await send(what, how);
    } catch (error) {
      if (toPlatformError(error).code !== 'refused' || migratedTo(error) !== undefined) throw error;
      refusal = error;
    }
  }
  throw refusal;
}

function optionsOf({ replyTo, keyboard }: Omit<Placement, 'ephemeral'>) {
  const reply = replyTo === undefined ? undefined : replyParameters(replyTo);
  return {
    ...(reply === undefined ? {} : { reply_parameters: reply }),
    ...(keyboard === undefined ? {} : { reply_markup: keyboard }),
  };
}

function replyParameters(replyTo: string): ReplyParameters | undefined {
  const handle = parseMessageId(replyTo);
  if (handle === undefined) return undefined;
  return handle.kind === 'lasting'
    ? { message_id: handle.messageId, allow_sending_without_reply: true }
    : { ephemeral_message_id: handle.ephemeralId };
}

function ephemeralParameters({ readerId, pressId }: NonNullable<Placement['ephemeral']>) {
  return {
    receiver_user_id: readerId,
    ...(pressId === undefined ? {} : { callback_query_id: pressId }),
  };
}

function sentId(message: Message, readerId = 0): string {
  return messageIdOf(message, readerId);
}
