import type { ChatAddress } from '../../chat/message.ts';
import type { WireChat } from './wire.ts';

interface Placed {
  readonly chat: WireChat;
  readonly message_thread_id?: number | undefined;
  readonly is_topic_message?: boolean | undefined;
}

/**
 * Telegram sets `message_thread_id` also on replies in groups without topics: only
 * `is_topic_message` says that it is a topic. The General topic has neither.
 */
export function addressOf(placed: Placed): ChatAddress {
  const topic = placed.is_topic_message === true ? placed.message_thread_id : undefined;
  return addressIn(placed.chat, topic);
}

export function addressIn(chat: WireChat, topic?: number): ChatAddress {
  return {
    platform: 'telegram',
    chatId: String(chat.id),
    ...(topic === undefined ? {} : { threadId: String(topic) }),
    kind: chat.type === 'private' ? 'direct' : 'group',
  };
}

/** The two parameters of every sending method that say where to. */
export function destination(chat: ChatAddress): { chat_id: number; message_thread_id?: number } {
  return {
    chat_id: Number(chat.chatId),
    ...(chat.threadId === undefined ? {} : { message_thread_id: Number(chat.threadId) }),
  };
}
