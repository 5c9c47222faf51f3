import type { QuotedMessage } from '../../chat/message.ts';
import { filesOf } from './files.ts';
import { messageIdOf } from './message-id.ts';
import type { WireMessage, WireOrigin, WireUser } from './wire.ts';
import { plainText } from './words.ts';

export function displayName(user: WireUser): string {
  const name = [user.first_name, user.last_name ?? ''].join(' ').trim();
  return name === '' ? (user.username ?? `user ${user.id}`) : name;
}

/** The author of a message that was forwarded, or that is quoted from another chat. */
export function originName(origin: WireOrigin): string {
  if (origin.sender_user !== undefined) return displayName(origin.sender_user);
  const chat = origin.sender_chat ?? origin.chat;
  return origin.sender_user_name ?? chat?.title ?? chat?.username ?? 'unknown';
}

/**
 * The message that another one replies to. In a topic every message that replies to nothing says
 * that it replies to the notice of the topic's creation: that is no reply.
 */
export function repliedTo(message: WireMessage): WireMessage['reply_to_message'] {
  const replied = message.reply_to_message;
  return replied === undefined || replied.forum_topic_created !== undefined ? undefined : replied;
}

/** What the message replies to, in this chat or another one; the quoted part where one was chosen. */
export function quotedBy(message: WireMessage, botId: number): QuotedMessage | undefined {
  const replied = repliedTo(message);
  const chosen = message.quote?.is_manual === true ? message.quote.text : undefined;
  if (replied !== undefined) {
    return {
      messageId: messageIdOf(replied, message.from?.id ?? 0),
      authorName:
        replied.sender_chat?.title ??
        (replied.from === undefined ? 'unknown' : displayName(replied.from)),
      fromBot: replied.from?.id === botId,
      text: chosen ?? plainText(replied),
      files: filesOf(replied),
    };
  }
  if (message.external_reply === undefined) return undefined;
  return {
    // It has a number in another chat, or none: no number of this chat may be taken for it.
    messageId: `external:${message.message_id}`,
    authorName: originName(message.external_reply.origin),
    fromBot: message.external_reply.origin.sender_user?.id === botId,
    text: message.quote?.text ?? '',
    files: filesOf(message.external_reply),
  };
}
