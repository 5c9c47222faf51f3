/** What people send to chats. */

import type { Message, MessageEntity, Update, User } from 'grammy/types';
import { findEntities } from './found-entities.ts';
import { placing } from './outgoing.ts';
import { isDelivered } from './privacy.ts';
import {
  type ChatRecord,
  documentFields,
  type LiveMessage,
  type StoredMessage,
  type World,
} from './state.ts';
import { cleanText } from './text-cleaning.ts';
import type { SayExtra } from './types.ts';
import type { UpdateQueue } from './updates.ts';

/** In UTF-16 units. */
const MESSAGE_LIMIT = 4096;
/** How far back apps look for a blank at which to cut a long text. */
const CUT_WINDOW = 100;

/** The accounts that Telegram shows where no person sent a message. */
const STAND_INS = {
  anonymousAdmin: {
    id: 1_087_968_824,
    is_bot: true,
    first_name: 'Group',
    username: 'GroupAnonymousBot',
  },
  channel: { id: 136_817_688, is_bot: true, first_name: 'Channel', username: 'Channel_Bot' },
  telegram: { id: 777_000, is_bot: false, first_name: 'Telegram' },
} as const satisfies Record<string, User>;

export class Speakers {
  readonly #world: World;
  readonly #queue: UpdateQueue;
  /** The update of each message, to send it again. */
  readonly #updates = new WeakMap<Message, Update>();

  constructor(world: World, queue: UpdateQueue) {
    this.#world = world;
    this.#queue = queue;
  }

  updateOf(message: Message): Update | undefined {
    return this.#updates.get(message);
  }

  say(record: ChatRecord, from: User, text: string, extra: SayExtra = {}): LiveMessage {
    const hasMedia = extra.photo !== undefined || extra.document !== undefined;
    const parts = hasMedia ? [text] : split(text);
    const messages = parts.map((part) => this.#sayOnce(record, from, part, extra));
    const last = messages.at(-1);
    if (last === undefined) throw new Error('There is nothing to say');
    return last;
  }

  #sayOnce(record: ChatRecord, from: User, text: string, extra: SayExtra): LiveMessage {
    const world = this.#world;
    checkSpeaker(record, from, extra);
    const replyTo = extra.reply_to === undefined ? undefined : findReplied(world, record, extra);
    const replyTopic = replyTo?.current.is_topic_message === true;
    const topic =
      extra.message_thread_id ?? (replyTopic ? replyTo.current.message_thread_id : undefined);
    const ephemeral = extra.ephemeral === true;
    const content = { ...contentOf(world, text, extra), ...extra.fields };
    if (Object.keys(content).length === 0) throw new Error('Apps send no empty messages');
    const message: LiveMessage = {
      ...placing(record, topic, replyTo),
      ...(extra.quote === undefined ? {} : { quote: quoteOf(replyTo, extra.quote) }),
      ...(ephemeral
        ? {
            ephemeral_message_id: world.nextEphemeralId(record),
            receiver_user: world.botUser,
          }
        : {}),
      ...marksOf(extra),
      ...content,
      message_id: ephemeral ? 0 : world.nextMessageId(record),
      from: senderOf(record, from, extra),
      chat: record.chat,
      date: extra.date ?? world.date(),
    };
    return this.#store(record, message, {
      service: false,
      ...(ephemeral ? { onlyFor: from.id } : {}),
    });
  }

  /** Something that Telegram itself says in a chat. */
  announce(record: ChatRecord, from: User, fields: Partial<Message>): StoredMessage {
    const message: LiveMessage = {
      ...fields,
      message_id: this.#world.nextMessageId(record),
      from,
      chat: record.chat,
      date: this.#world.date(),
    };
    this.#store(record, message, { service: true });
    const stored = record.log.at(-1);
    if (stored === undefined) throw new Error('Nothing was stored');
    return stored;
  }

  edit(message: Message, text: string): LiveMessage {
    const record = this.#world.chats.get(message.chat.id);
    const stored = record && this.#world.findMessage(record, message.message_id);
    if (stored === undefined || stored.outgoing) throw new Error('People edit their own messages');
    const { entities: _, caption_entities: __, ...rest } = stored.current;
    const isText = stored.current.text !== undefined;
    const words = withEntities(text, [], isText ? 'text' : 'caption');
    const edited = { ...rest, ...words, edit_date: this.#world.date() };
    stored.current = edited;
    if (isDelivered(this.#world, edited, false)) {
      this.#updates.set(edited, this.#queue.push({ edited_message: edited }));
    }
    return edited;
  }

  #store(
    record: ChatRecord,
    message: LiveMessage,
    kind: { readonly service: boolean; readonly onlyFor?: number },
  ): LiveMessage {
    record.log.push({ current: message, outgoing: false, deleted: false, ...kind });
    if (isDelivered(this.#world, message, kind.service)) {
      this.#updates.set(message, this.#queue.push({ message }));
    }
    return message;
  }
}

function checkSpeaker(record: ChatRecord, from: User, extra: SayExtra): void {
  if (record.migratedTo !== undefined) throw new Error('The group is a supergroup now');
  if (record.chat.type === 'private') {
    if (record.bot === 'kicked') throw new Error('Who blocked the bot cannot write to it');
    if (from.id !== record.chat.id) throw new Error('Only its user writes in a private chat');
  } else if (!record.members.has(from.id) && extra.sender_chat === undefined) {
    throw new Error(`${from.first_name} is no member of the group`);
  }
}

function findReplied(world: World, record: ChatRecord, extra: SayExtra): StoredMessage {
  const { message_id = 0, ephemeral_message_id } = extra.reply_to ?? {};
  const found =
    ephemeral_message_id === undefined
      ? world.findMessage(record, message_id)
      : record.log.find(({ current }) => current.ephemeral_message_id === ephemeral_message_id);
  if (found === undefined) throw new Error('The message to reply to is not in this chat');
  return found;
}

function quoteOf(replyTo: StoredMessage | undefined, text: string): NonNullable<Message['quote']> {
  const original = replyTo?.current.text ?? replyTo?.current.caption ?? '';
  return { text, position: Math.max(0, original.indexOf(text)), is_manual: true };
}

function senderOf(record: ChatRecord, from: User, extra: SayExtra): User {
  if (extra.sender_chat === undefined) return from;
  if (extra.is_automatic_forward === true) return STAND_INS.telegram;
  return extra.sender_chat.id === record.chat.id ? STAND_INS.anonymousAdmin : STAND_INS.channel;
}

function contentOf(world: World, text: string, extra: SayExtra): Partial<Message> {
  const { photo, document, entities = [] } = extra;
  const caption = withEntities(extra.caption ?? text, entities, 'caption');
  if (document !== undefined) {
    return { ...documentFields(world.addFile('documents', document, document.size)), ...caption };
  }
  if (photo === undefined) return withEntities(text, entities, 'text');
  const { width = 1280, height = 960, bytes } = photo;
  const sizes = [1 / 4, 1].map((scale) => {
    const file = world.addFile('photos', { name: 'photo.jpg', mime: 'image/jpeg', bytes });
    return {
      file_id: file.id,
      file_unique_id: file.uniqueId,
      width: Math.round(width * scale),
      height: Math.round(height * scale),
      file_size: file.size,
    };
  });
  return { photo: sizes, ...caption };
}

type Words = Pick<Message, 'text' | 'entities' | 'caption' | 'caption_entities'>;

function withEntities(
  raw: string,
  given: readonly MessageEntity[],
  name: 'text' | 'caption',
): Words {
  const { text, spans } = cleanText(raw.toWellFormed(), given);
  if (text === '') return {};
  const entities = [...spans, ...findEntities(text, spans)].sort(
    (one, other) => one.offset - other.offset,
  );
  const field = name === 'text' ? 'entities' : 'caption_entities';
  return { [name]: text, ...(entities.length === 0 ? {} : { [field]: entities }) };
}

/** As apps cut a text that is too long for one message: at a blank near the end, if any. */
export function split(text: string): string[] {
  const parts: string[] = [];
  let rest = text;
  while (rest.length > MESSAGE_LIMIT) {
    const window = rest.slice(MESSAGE_LIMIT - CUT_WINDOW, MESSAGE_LIMIT);
    const blank = Math.max(window.lastIndexOf('\n'), window.lastIndexOf(' '));
    let cut = blank < 0 ? MESSAGE_LIMIT : MESSAGE_LIMIT - CUT_WINDOW + blank + 1;
    if (/[\ud800-\udbff]/.test(rest.charAt(cut - 1))) cut -= 1;
    parts.push(rest.slice(0, cut));
    rest = rest.slice(cut);
  }
  return [...parts, rest];
}

function marksOf(extra: SayExtra): Partial<Message> {
  const { forward_origin, media_group_id, sender_chat, is_automatic_forward } = extra;
  return {
    ...(forward_origin === undefined ? {} : { forward_origin }),
    ...(media_group_id === undefined ? {} : { media_group_id }),
    ...(sender_chat === undefined ? {} : { sender_chat }),
    ...(is_automatic_forward === undefined ? {} : { is_automatic_forward }),
  };
}
