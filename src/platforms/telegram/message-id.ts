/**
 * How Latchkey names a Telegram message: its number in the chat. An ephemeral message has no such
 * number, only one that may be used again after it is gone, and is edited and deleted by naming
 * its one reader too: it is `e<number>.<reader>.<date>`.
 */

import type { WireBaseMessage } from './wire.ts';

export type MessageHandle =
  | { readonly kind: 'lasting'; readonly messageId: number }
  | { readonly kind: 'ephemeral'; readonly ephemeralId: number; readonly readerId: number };

type Identified = Pick<WireBaseMessage, 'message_id' | 'ephemeral_message_id' | 'date'>;

/** @param readerId the one person who sees the message, if it is ephemeral */
export function messageIdOf(message: Identified, readerId: number): string {
  return message.ephemeral_message_id === undefined
    ? String(message.message_id)
    : `e${message.ephemeral_message_id}.${readerId}.${message.date}`;
}

/** @returns undefined when the text names no message */
export function parseMessageId(text: string): MessageHandle | undefined {
  const ephemeral = /^e(\d+)\.(\d+)\.\d+$/.exec(text);
  if (ephemeral !== null) {
    return {
      kind: 'ephemeral',
      ephemeralId: Number(ephemeral[1]),
      readerId: Number(ephemeral[2]),
    };
  }
  return /^[1-9]\d*$/.test(text) ? { kind: 'lasting', messageId: Number(text) } : undefined;
}
