/** How the rows of the audit trail hang together, and what is wrong where they don't. */

import { timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Database } from '../db/client.ts';
import { asc, gt } from '../db/drizzle.ts';
import { readFact } from '../db/installation.ts';
import { audit } from '../db/schema.ts';
import type { KeyRing } from './key-ring.ts';

export type AuditRow = typeof audit.$inferSelect;

type Signer = Pick<KeyRing, 'auditMac'>;

/** The newest row: whoever keeps it elsewhere can tell that rows after an older one were cut off. */
export interface AuditHead {
  readonly seq: number;
  readonly mac: string;
}

const headSchema = z.object({ seq: z.number().int().min(0), mac: z.string(), tag: z.string() });

export function parseHead(value: unknown): (AuditHead & { readonly tag: string }) | undefined {
  return headSchema.safeParse(value).data;
}

/** Shows that a head was made by whoever holds the ring. */
export function headTag(ring: Signer, { seq, mac }: AuditHead): string {
  return ring.auditMac(JSON.stringify(['head', 1, seq, mac]));
}

export function isHeadValid(ring: Signer, head: AuditHead & { readonly tag: string }): boolean {
  return isEqual(headTag(ring, head), head.tag);
}

/** @param before the MAC of the row before; empty for the first */
export function macOf(ring: Signer, row: Omit<AuditRow, 'mac'>, before: string): string {
  const { seq, at, action, actor, subject, provider, platform, detail } = row;
  return ring.auditMac(
    // A list, so that no two rows run together into the same bytes; jsonb keeps no order of members.
    JSON.stringify([
      'row',
      1,
      seq,
      at.getTime(),
      action,
      actor,
      subject,
      provider,
      platform,
      Object.entries(Object(detail)).sort(([a], [b]) => (a < b ? -1 : 1)),
      before,
    ]),
  );
}

export type AuditFault =
  /** Its content, or its place in the chain, is not what was written. */
  | { readonly fault: 'changed'; readonly seq: number }
  /** Rows from one number to another are not there. */
  | { readonly fault: 'removed'; readonly from: number; readonly to: number }
  /** What says where the trail ends was changed or removed. */
  | { readonly fault: 'head-changed' };

export interface AuditReport {
  readonly rows: number;
  readonly head: AuditHead;
  /** At most a hundred. */
  readonly faults: readonly AuditFault[];
}

const BATCH = 1_000;
const MOST_FAULTS = 100;

/**
 * Goes over the whole trail.
 * @param known heads that were kept elsewhere: the trail must still lead through each of them
 * @param onProgress hears how many rows of how many were gone over
 */
export async function verifyAudit(
  { db, ring }: { readonly db: Database; readonly ring: Signer },
  known: readonly AuditHead[] = [],
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<AuditReport> {
  const faults: AuditFault[] = [];
  const note = (fault: AuditFault) => {
    if (faults.length < MOST_FAULTS) faults.push(fault);
  };
  // Read first: what is appended meanwhile comes after it.
  const written = parseHead(await readFact(db, HEAD_NAME));
  const waypoints = new Map(known.map(({ seq, mac }) => [seq, mac]));
  if (written !== undefined && isHeadValid(ring, written)) {
    waypoints.set(written.seq, waypoints.get(written.seq) ?? written.mac);
  }

  let head: AuditHead = { seq: 0, mac: '' };
  let rows = 0;
  for (;;) {
    const batch = await db
      .select()
      .from(audit)
      .where(gt(audit.seq, head.seq))
      .orderBy(asc(audit.seq))
      .limit(BATCH);
    for (const row of batch) {
      if (row.seq !== head.seq + 1) {
        note({ fault: 'removed', from: head.seq + 1, to: row.seq - 1 });
        // The row after a gap hangs on one that is not there: nothing can be said of it.
      } else if (!isEqual(macOf(ring, row, head.mac), row.mac)) {
        note({ fault: 'changed', seq: row.seq });
      }
      const waypoint = waypoints.get(row.seq);
      if (waypoint !== undefined && !isEqual(waypoint, row.mac)) {
        note({ fault: 'changed', seq: row.seq });
      }
      head = { seq: row.seq, mac: row.mac };
      rows += 1;
    }
    // The last number is the count, but for what was tampered with.
    onProgress(rows, Math.max(rows, written?.seq ?? 0));
    if (batch.length < BATCH) break;
  }
  const end = Math.max(0, ...waypoints.keys());
  if (end > head.seq) note({ fault: 'removed', from: head.seq + 1, to: end });
  const isHeadWrong = written === undefined ? rows > 0 : !isHeadValid(ring, written);
  if (isHeadWrong) note({ fault: 'head-changed' });
  return { rows, head, faults };
}

/** In `installation`. */
export const HEAD_NAME = 'audit-head';

function isEqual(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
