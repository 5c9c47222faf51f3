import type { IncomingMessage } from '../../chat/message.ts';
import { Recent } from '../../chat/sending/recent.ts';

/** Milliseconds in which the comment follows: Discord's clients send it right behind the forward. */
const COMMENT_MS = 1500;
const REMEMBERED = 1000;

/**
 * What is forwarded into the direct chat with a comment comes as two messages, the forward first:
 * together they are one question. A forward therefore waits a moment for what follows it.
 * @returns what gives a message its hint; it has to see messages in their order
 */
export function createForwardHints(): (message: IncomingMessage) => IncomingMessage {
  const forwards = new Recent<string, { readonly sentAt: number; readonly key: string }>(
    REMEMBERED,
  );
  return (message) => {
    if (message.chat.kind !== 'direct') return message;
    const { chatId } = message.chat;
    const sentAt = message.sentAt.getTime();
    const before = forwards.get(chatId);
    const joins = before !== undefined && Math.abs(sentAt - before.sentAt) <= COMMENT_MS;
    if (message.forwardedFrom === undefined && !joins) return message;
    const key = joins ? before.key : `forward:${message.messageId}`;
    if (message.forwardedFrom !== undefined) forwards.set(chatId, { sentAt, key });
    return { ...message, merge: { key, waitMs: COMMENT_MS } };
  };
}
