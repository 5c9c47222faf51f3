import type { DeliveryLog } from '../chat/reply.ts';
import type { Database } from '../db/client.ts';
import { and, eq, exists, sql } from '../db/drizzle.ts';
import { deliveries, turns } from '../db/schema.ts';
import { builtOnce } from '../db/statement.ts';
import type { Fence } from '../queue/mailbox.ts';
import { FenceLost } from './turn-store.ts';

const BEGIN = builtOnce<
  { readonly turnId: number; readonly attempt: number; readonly part: number },
  { readonly part: number }
>(
  (place) => sql`
    insert into deliveries (turn_id, part)
    select id, ${place('part')}::int from turns
    where id = ${place('turnId')} and attempt = ${place('attempt')} and status = 'running'
    on conflict do nothing returning part`,
);

const SENT = builtOnce<
  { readonly turnId: number; readonly part: number; readonly messageId: string },
  object
>(
  (place) => sql`
    update deliveries set message_id = ${place('messageId')}
    where turn_id = ${place('turnId')} and part = ${place('part')}`,
);

/**
 * The delivery log of one turn, on table `deliveries`: a row without a message id was begun and
 * never confirmed. Nothing is begun once the fence is lost: `begin` then throws FenceLost.
 */
export function createDeliveryLog(db: Database, { turnId, attempt }: Fence): DeliveryLog {
  const row = (part: number) => and(eq(deliveries.turnId, turnId), eq(deliveries.part, part));
  const held = and(eq(turns.id, turnId), eq(turns.attempt, attempt), eq(turns.status, 'running'));
  return {
    async begin(part) {
      const inserted = await BEGIN(db, { turnId, attempt, part });
      if (inserted.length > 0) return { state: 'new' };
      const [known] = await db
        .select({ messageId: deliveries.messageId })
        .from(turns)
        .leftJoin(deliveries, row(part))
        .where(held);
      if (known === undefined) throw new FenceLost(`turn ${turnId} was taken over`);
      if (known.messageId === null) return { state: 'unknown' };
      return { state: 'sent', messageId: known.messageId };
    },
    async sent(part, messageId) {
      // Without the fence: it stands there, whoever goes on with the turn.
      await SENT(db, { turnId, part, messageId });
    },
    async notSent(part) {
      // Behind the fence: by now the row may be that of the attempt that took over.
      const mine = db.select({ id: turns.id }).from(turns).where(held);
      await db.delete(deliveries).where(and(row(part), exists(mine)));
    },
  };
}
