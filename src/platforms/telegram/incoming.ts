import type { Addressed, IncomingMessage } from '../../chat/message.ts';
import { addressOf } from './chat-address.ts';
import { filesOf } from './files.ts';
import { messageIdOf } from './message-id.ts';
import { displayName, originName, quotedBy, repliedTo } from './quoted.ts';
import { hasContent, type WireMessage, type WireUser } from './wire.ts';
import { type BotIdentity, plainText, wordsOf } from './words.ts';

/** Under this id Telegram shows every administrator of a group who writes anonymously. */
export const ANONYMOUS_ADMINISTRATOR = 1087968824;

/** The person who sent it; undefined for all who are no user: bots, channels, automatic forwards. */
export function personOf(message: WireMessage): WireUser | undefined {
  const { from } = message;
  if (from === undefined || from.is_bot || from.id === ANONYMOUS_ADMINISTRATOR) return undefined;
  if (message.sender_chat !== undefined || message.is_automatic_forward === true) return undefined;
  // These belong to other chats that may share the number of one of the bot's own.
  if (message.guest_query_id !== undefined || message.business_connection_id !== undefined) {
    return undefined;
  }
  return message.chat.type === 'channel' ? undefined : from;
}

/** @returns undefined for what is nobody's message: service messages and those of no user */
export function incomingMessage(
  message: WireMessage,
  bot: BotIdentity,
): IncomingMessage | undefined {
  const person = personOf(message);
  if (person === undefined || !hasContent(message)) return undefined;
  const forwarded = message.forward_origin;
  // What somebody else wrote neither commands nor addresses the bot when it is passed on.
  const words =
    forwarded === undefined
      ? wordsOf(message, bot)
      : { text: plainText(message).trim(), forOtherBot: false, mentioned: false };
  const quoted = quotedBy(message, bot.id);
  const command = 'command' in words ? words.command : undefined;
  return {
    chat: addressOf(message),
    sender: { platformUserId: String(person.id), displayName: displayName(person) },
    messageId: messageIdOf(message, person.id),
    order: message.ephemeral_message_id ?? message.message_id,
    sentAt: new Date(message.date * 1000),
    text: words.text,
    addressed: addressedBy(message, words, command !== undefined, bot),
    ...(command === undefined ? {} : { command }),
    ...(quoted === undefined ? {} : { quoted }),
    ...(forwarded === undefined ? {} : { forwardedFrom: originName(forwarded) }),
    files: filesOf(message),
  };
}

function addressedBy(
  message: WireMessage,
  words: { readonly forOtherBot: boolean; readonly mentioned: boolean },
  isCommand: boolean,
  bot: BotIdentity,
): Addressed {
  if (message.chat.type === 'private') return 'direct';
  if (words.forOtherBot) return 'none';
  if (isCommand) return 'command';
  if (words.mentioned) return 'mention';
  return message.forward_origin === undefined && repliedTo(message)?.from?.id === bot.id
    ? 'reply'
    : 'none';
}
