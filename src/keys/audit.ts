/**
 * The audit trail: what was done with API keys and the key ring, as a chain of rows. Each row's MAC
 * covers its content and the MAC before it, under a key that only the ring holds.
 */

import type { Database, Queryable } from '../db/client.ts';
import { desc, inArray, sql } from '../db/drizzle.ts';
import { keepFact, readFact } from '../db/installation.ts';
import { audit } from '../db/schema.ts';
import { type AuditRow, HEAD_NAME, headTag, isHeadValid, macOf, parseHead } from './audit-chain.ts';
import type { KeyRing } from './key-ring.ts';

export type AuditAction =
  | 'key.added'
  | 'key.replaced'
  | 'key.rejected'
  | 'key.checked'
  | 'key.used'
  | 'key.refused'
  | 'key.deleted'
  | 'key.expired'
  | 'key.end-set'
  | 'key.end-lifted'
  | 'key.default'
  | 'key.joined'
  | 'key.put-aside'
  | 'key.returned'
  | 'key.exposed'
  | 'paste.kept'
  | 'paste.taken'
  | 'paste.dropped'
  | 'paste.expired'
  | 'data-key.renewed'
  | 'data-key.returned'
  | 'user.forgotten'
  | 'user.exported'
  | 'ring.added'
  | 'ring.promoted'
  | 'ring.rotated'
  | 'ring.retired'
  | 'database.backed-up'
  | 'database.restored'
  | 'ring.lost'
  | 'ring.returned'
  | 'ring.move-begun'
  | 'ring.moved'
  | 'audit.exported';

export interface AuditEntry {
  readonly action: AuditAction;
  readonly actor: 'user' | 'system' | 'operator';
  /** Whom it is about; only a pseudonym of it is kept. */
  readonly userId?: number;
  readonly provider?: string;
  readonly platform?: string;
  /** Names and numbers of ours. Never key material, not even a hint. */
  readonly detail?: Readonly<Record<string, string | number | boolean>>;
}

export interface Audit {
  /**
   * Appends in the transaction of the operation itself: both take effect, or neither. To be called
   * last in it, since from here to its end no other operation can append.
   */
  append(tx: Queryable, ...entries: readonly AuditEntry[]): Promise<void>;
  /** Appends in a transaction of its own, for what changes nothing else here. */
  record(...entries: readonly AuditEntry[]): Promise<void>;
  /** What is known of these users, newest first. */
  of(userIds: readonly number[], most: number): Promise<readonly AuditRow[]>;
}

/** Any number will do. Held from an append to the end of its transaction. */
const APPEND_LOCK = 7_204_118_356;

export function createAudit({
  db,
  ring,
  now = () => new Date(),
}: {
  readonly db: Database;
  readonly ring: Pick<KeyRing, 'pseudonym' | 'auditMac'>;
  readonly now?: () => Date;
}): Audit {
  /**
   * The row to go on from. The head is believed over the table: where the table's tail was cut,
   * the next row then leaves a gap that shows for ever.
   */
  async function readEnd(tx: Queryable): Promise<{ seq: number; mac: string }> {
    const [last] = await tx
      .select({ seq: audit.seq, mac: audit.mac })
      .from(audit)
      .orderBy(desc(audit.seq))
      .limit(1);
    const end = last ?? { seq: 0, mac: '' };
    const head = parseHead(await readFact(tx, HEAD_NAME));
    return head !== undefined && head.seq > end.seq && isHeadValid(ring, head) ? head : end;
  }

  async function append(tx: Queryable, ...entries: readonly AuditEntry[]): Promise<void> {
    if (entries.length === 0) return;
    await tx.execute(sql`select pg_advisory_xact_lock(${APPEND_LOCK}::bigint)`);
    let { seq, mac } = await readEnd(tx);
    const rows = entries.map((entry) => {
      seq += 1;
      const row = {
        seq,
        at: now(),
        action: entry.action,
        actor: entry.actor,
        subject: entry.userId === undefined ? null : ring.pseudonym(String(entry.userId)),
        provider: entry.provider ?? null,
        platform: entry.platform ?? null,
        detail: { ...entry.detail },
      };
      mac = macOf(ring, row, mac);
      return { ...row, mac };
    });
    await tx.insert(audit).values(rows);
    await keepFact(tx, HEAD_NAME, { seq, mac, tag: headTag(ring, { seq, mac }) });
  }

  return {
    append,
    record: (...entries) => db.transaction((tx) => append(tx, ...entries)),
    of: (userIds, most) =>
      db
        .select()
        .from(audit)
        .where(
          inArray(
            audit.subject,
            userIds.map((id) => ring.pseudonym(String(id))),
          ),
        )
        .orderBy(desc(audit.seq))
        .limit(most),
  };
}
