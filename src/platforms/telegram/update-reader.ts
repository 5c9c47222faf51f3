import type { ButtonPress, PlatformEvent } from '../../chat/message.ts';
import { Recent } from '../../chat/sending/recent.ts';
import { addressIn, addressOf } from './chat-address.ts';
import { turnIdOf } from './draft-id.ts';
import { incomingMessage, personOf } from './incoming.ts';
import { MergeHints } from './merge.ts';
import { messageIdOf } from './message-id.ts';
import { displayName } from './quoted.ts';
import { parseUpdate, type WireMessage, type WireUpdate } from './wire.ts';
import type { BotIdentity } from './words.ts';

export type Reading =
  | { readonly kind: 'event'; readonly updateId: number; readonly event: PlatformEvent }
  /** Nothing that concerns Latchkey. */
  | { readonly kind: 'nothing'; readonly updateId: number }
  /** No update as Telegram documents them: it can never be handled. */
  | { readonly kind: 'malformed'; readonly updateId: number | undefined };

/**
 * Turns Telegram's updates into events. Never throws. Reading an update again gives the same event
 * again: it is only handled when `handle` of the receiver resolved.
 */
export class UpdateReader {
  readonly #bot: BotIdentity;
  readonly #hints = new MergeHints();
  /** Which update brought the news of a migration: old and new chat both tell of it. */
  readonly #migrations = new Recent<number, number>(1000);

  constructor(bot: BotIdentity) {
    this.#bot = bot;
  }

  /** @param batch updates in the order in which they will be handled */
  readAll(batch: readonly unknown[]): Reading[] {
    const updates = batch.map((raw) => ({ raw, update: parseUpdate(raw) }));
    const messages = updates.flatMap(({ update }) =>
      update?.message !== undefined && personOf(update.message) !== undefined
        ? [update.message]
        : [],
    );
    const addressedOf = (message: WireMessage) =>
      incomingMessage(message, this.#bot)?.addressed ?? 'none';
    this.#hints.lookAhead(messages, addressedOf);
    return updates.map(({ raw, update }) => {
      if (update === undefined) return { kind: 'malformed', updateId: updateIdOf(raw) };
      const event = this.#eventOf(update);
      const updateId = update.update_id;
      return event === undefined
        ? { kind: 'nothing', updateId }
        : { kind: 'event', updateId, event };
    });
  }

  #eventOf(update: WireUpdate): PlatformEvent | undefined {
    if (update.message !== undefined) {
      return this.#migration(update.message, update.update_id) ?? this.#message(update.message);
    }
    if (update.edited_message !== undefined) return this.#edit(update.edited_message);
    if (update.callback_query !== undefined) return pressEvent(update.callback_query);
    if (update.stopped_message_generation !== undefined) {
      const { chat, message_thread_id: topic, draft_id } = update.stopped_message_generation;
      const turnId = turnIdOf(draft_id);
      return {
        type: 'stop',
        chat: addressIn(chat, topic),
        ...(turnId === undefined ? {} : { turnId }),
      };
    }
    return update.my_chat_member === undefined ? undefined : closedEvent(update.my_chat_member);
  }

  #message(message: WireMessage): PlatformEvent | undefined {
    const incoming = incomingMessage(message, this.#bot);
    if (incoming === undefined) return undefined;
    return { type: 'message', message: this.#hints.apply(message, incoming) };
  }

  /** Live locations and polls are edited too: without words or a file nothing has changed. */
  #edit(message: WireMessage): PlatformEvent | undefined {
    const incoming = incomingMessage(message, this.#bot);
    if (incoming === undefined) return undefined;
    const hasWords = message.text !== undefined || message.caption !== undefined;
    return hasWords || incoming.files.length > 0 ? { type: 'edit', message: incoming } : undefined;
  }

  #migration(message: WireMessage, updateId: number): PlatformEvent | undefined {
    const { chat, migrate_from_chat_id: from, migrate_to_chat_id: to } = message;
    if (from === undefined && to === undefined) return undefined;
    const oldId = from ?? chat.id;
    const told = this.#migrations.get(oldId);
    if (told !== undefined && told !== updateId) return undefined;
    this.#migrations.set(oldId, updateId);
    return {
      type: 'migrated',
      from: addressIn({ ...chat, id: oldId }),
      to: addressIn({ ...chat, id: to ?? chat.id }),
    };
  }
}

function pressEvent(query: NonNullable<WireUpdate['callback_query']>): PlatformEvent | undefined {
  const { from, data, message } = query;
  if (from.is_bot || data === undefined || message === undefined) return undefined;
  if (message.chat.type === 'channel') return undefined;
  const press: ButtonPress = {
    chat: addressOf(message),
    sender: { platformUserId: String(from.id), displayName: displayName(from) },
    action: data,
    pressId: query.id,
    // Date 0 marks a message that the bot can't reach any more.
    ...(message.date === 0 ? {} : { messageId: messageIdOf(message, from.id) }),
  };
  return { type: 'button', press };
}

function closedEvent(member: NonNullable<WireUpdate['my_chat_member']>): PlatformEvent | undefined {
  const { status, is_member: isMember } = member.new_chat_member;
  const gone =
    status === 'kicked' || status === 'left' || (status === 'restricted' && isMember === false);
  if (!gone || member.chat.type === 'channel') return undefined;
  return { type: 'closed', chat: addressIn(member.chat) };
}

function updateIdOf(raw: unknown): number | undefined {
  if (typeof raw !== 'object' || raw === null || !('update_id' in raw)) return undefined;
  return Number.isSafeInteger(raw.update_id) ? Number(raw.update_id) : undefined;
}
