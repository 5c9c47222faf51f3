import type { DeliveryLog } from '../../src/chat/reply.ts';

/** As the one in the database: what was begun and never confirmed is unknown to the next. */
export function memoryLog(known: Record<number, string | null> = {}) {
  const parts = new Map(Object.entries(known).map(([part, id]) => [Number(part), id]));
  const deliveries: DeliveryLog = {
    async begin(part) {
      const messageId = parts.get(part);
      if (messageId === undefined) parts.set(part, null);
      if (messageId === undefined) return { state: 'new' };
      return messageId === null ? { state: 'unknown' } : { state: 'sent', messageId };
    },
    async sent(part, messageId) {
      parts.set(part, messageId);
    },
    async notSent(part) {
      parts.delete(part);
    },
  };
  return { parts, deliveries };
}
