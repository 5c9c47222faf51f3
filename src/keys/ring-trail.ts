/** Tells the audit trail when a KEK in use is missing from the ring, and when it is back. */

import type { Database, Queryable } from '../db/client.ts';
import { inArray, sql } from '../db/drizzle.ts';
import { lostDataKeys } from '../db/schema.ts';
import type { Audit, AuditEntry } from './audit.ts';
import { countUse, lockUse } from './kek-use.ts';
import type { KeyRingKeeper } from './key-ring.ts';

/** Once for each change, whichever process starts first with the ring as it is now. */
export async function tellRingTrail({
  db,
  audit,
  keeper,
}: {
  readonly db: Database;
  readonly audit: Pick<Audit, 'append'>;
  readonly keeper: Pick<KeyRingKeeper, 'keks'>;
}): Promise<void> {
  const held = new Set((await keeper.keks()).map(({ kid }) => kid));
  await db.transaction(async (tx) => {
    await lockUse(tx, 'exclusive');
    const missed = await missedBefore(tx);
    const lost = (await countUse(tx)).filter(({ kid }) => !held.has(kid) && !missed.has(kid));
    const back = [...missed].filter((kid) => held.has(kid));
    await audit.append(
      tx,
      ...lost.map(
        ({ kid, rows }): AuditEntry => ({
          action: 'ring.lost',
          actor: 'system',
          detail: { kid, users: rows },
        }),
      ),
      ...back.map(
        (kid): AuditEntry => ({ action: 'ring.returned', actor: 'system', detail: { kid } }),
      ),
      ...(await returned(tx, back)),
    );
  });
}

/** The KEKs of which the trail said last that they are missing. */
async function missedBefore(tx: Queryable): Promise<ReadonlySet<string>> {
  const rows = await tx.execute<{ kid: string; action: string }>(sql`
    select distinct on (detail ->> 'kid') detail ->> 'kid' as kid, action from audit
    where action in ('ring.lost', 'ring.returned') order by detail ->> 'kid', seq desc`);
  return new Set(rows.flatMap(({ kid, action }) => (action === 'ring.lost' ? [kid] : [])));
}

/** Those who began afresh meanwhile: what they had before opens again. */
async function returned(tx: Queryable, kids: readonly string[]): Promise<readonly AuditEntry[]> {
  if (kids.length === 0) return [];
  const rows = await tx
    .selectDistinct({ userId: lostDataKeys.userId })
    .from(lostDataKeys)
    .where(inArray(lostDataKeys.kid, [...kids]))
    .orderBy(lostDataKeys.userId);
  return rows.map(({ userId }) => ({ action: 'data-key.returned', actor: 'system', userId }));
}
