import type { Database } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';

/** What all mailboxes hold together. */
export interface MailboxDepth {
  readonly queued: number;
  readonly running: number;
  /** How long the oldest waiting turn that may run has waited, in seconds; 0 where none does. */
  readonly oldestSeconds: number;
}

/** One query over the index of open turns. */
export async function mailboxDepth(db: Database): Promise<MailboxDepth> {
  const [row] = await db.execute<{ queued: number; running: number; oldest: number }>(sql`
    select count(*) filter (where status = 'queued')::int as queued,
           count(*) filter (where status = 'running')::int as running,
           coalesce(extract(epoch from now() - min(greatest(created_at, not_before))
             filter (where status = 'queued' and (not_before is null or not_before <= now()))),
             0)::float8 as oldest
    from turns where status in ('queued', 'running')`);
  return {
    queued: row?.queued ?? 0,
    running: row?.running ?? 0,
    oldestSeconds: Math.max(0, row?.oldest ?? 0),
  };
}
