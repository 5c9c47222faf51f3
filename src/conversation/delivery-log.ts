import type { DeliveryLog } from '../chat/reply.ts';
import type { Database } from '../db/client.ts';
import { and, eq } from '../db/drizzle.ts';
import { deliveries } from '../db/schema.ts';

/** The delivery log of one turn, on table `deliveries`: a row without a message id was begun and never confirmed. */
export function createDeliveryLog(db: Database, turnId: number): DeliveryLog {
  const row = (part: number) => and(eq(deliveries.turnId, turnId), eq(deliveries.part, part));
  return {
    async begin(part) {
      const inserted = await db
        .insert(deliveries)
        .values({ turnId, part })
        .onConflictDoNothing()
        .returning({ part: deliveries.part });
      if (inserted.length > 0) return { state: 'new' };
      const [known] = await db
        .select({ messageId: deliveries.messageId })
        .from(deliveries)
        .where(row(part));
      if (known === undefined || known.messageId === null) return { state: 'unknown' };
      return { state: 'sent', messageId: known.messageId };
    },
    async sent(part, messageId) {
      await db.update(deliveries).set({ messageId }).where(row(part));
    },
    async notSent(part) {
      await db.delete(deliveries).where(row(part));
    },
  };
}
