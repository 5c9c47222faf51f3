/** Deletes what is no longer to be kept: HISTORY_DAYS, enforced by a job in every process. */

import type { Database } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';

/** How often, in milliseconds. */
const EVERY_MS = 10 * 60_000;
/** Rows that one transaction touches: nobody waits long for a lock of its. */
const BATCH = 500;

export interface Retention {
  /** Resolves when the batch under way has ended. */
  stop(): Promise<void>;
}

/**
 * Begins at once, and again every ten minutes. What a crash leaves undone, the next round finds.
 * @param also further work of each round, told when to stop; one that fails keeps no other back
 */
export function startRetention({
  db,
  historyDays,
  everyMs = EVERY_MS,
  also,
  onError,
}: {
  readonly db: Database;
  readonly historyDays: number;
  readonly everyMs: number | undefined;
  readonly also: readonly ((signal: AbortSignal) => Promise<unknown>)[];
  readonly onError: (error: unknown) => void;
}): Retention {
  const stopped = new AbortController();
  let running: Promise<void> | undefined;

  async function round(): Promise<void> {
    const { signal } = stopped;
    const tasks = [() => clearOldWords(db, historyDays, { signal }), ...also];
    for (const task of tasks) {
      if (signal.aborted) return;
      await task(signal).catch(onError);
    }
  }

  function begin(): void {
    running ??= round().finally(() => {
      running = undefined;
    });
  }

  begin();
  const timer = setInterval(begin, everyMs);
  timer.unref();
  return {
    async stop() {
      stopped.abort();
      clearInterval(timer);
      await running;
    },
  };
}

export interface ClearOptions {
  readonly batch?: number;
  readonly signal?: AbortSignal;
  /** Hears of each transaction what it touched and how long it took, in milliseconds. */
  readonly onBatch?: (rows: number, ms: number) => void;
}

/**
 * Clears, in small transactions, what is older than `historyDays`: words of turns with all that
 * says where they were said and what was sent for them (what they cost stays, with its user), turns
 * that nobody can answer any more, what recognises redelivered messages, and chats of which nothing
 * is left. Of several processes one works at a time; rows that somebody else holds wait for the next
 * round.
 * @returns how many turns were cleared
 */
export async function clearOldWords(
  db: Database,
  historyDays: number,
  { batch = BATCH, signal, onBatch }: ClearOptions = {},
): Promise<number> {
  const before = sql`now() - ${historyDays}::int * interval '1 day'`;
  const limit = sql`${batch}::int`;

  // It waits, or is put back again and again, since before then: its platform is not turned on.
  const stale = sql`
    with old as (
      select id from turns where status = 'queued' and created_at < ${before}
      order by id limit ${limit} for update skip locked
    ), closed as (
      update turns t set status = 'cancelled', outcome = 'closed', finished_at = t.created_at,
                         not_before = null
      from old where t.id = old.id returning t.user_id
    ), counted as (
      select user_id, count(*)::int as n from closed group by user_id
    ), lines as (
      update mailbox mb set open = mb.open - c.n from counted c where mb.user_id = c.user_id
    )
    select count(*)::int as n from closed`;

  // An answer becomes empty, not null: that there was one counts in /usage.
  const words = sql`
    with old as (
      select id from turns
      where finished_at < ${before} and finished_at is not null and chat_id is not null
      order by finished_at limit ${limit} for update skip locked
    ), sent as (
      delete from deliveries d using old where d.turn_id = old.id
    ), cleared as (
      update turns t
      set input = ''::bytea, answer = case when t.answer is null then null else ''::bytea end,
          chat_id = null, platform_user_id = '', reply_to = '', row_key = '', merge_key = null,
          follows_turn_id = null
      from old where t.id = old.id returning 1
    )
    select count(*)::int as n from cleared`;

  // Two days at least: no platform sends a message again after that.
  const received = sql`
    with gone as (
      delete from inbox where ctid in (
        select ctid from inbox
        where received_at < ${before} and received_at < now() - interval '2 days'
        order by received_at limit ${limit} for update skip locked)
      returning 1
    )
    select count(*)::int as n from gone`;

  const places = sql`
    with gone as (
      delete from chats where id in (
        select c.id from chats c
        where c.created_at < ${before} and not exists (select from turns t where t.chat_id = c.id)
        limit ${limit} for update skip locked)
      returning 1
    )
    select count(*)::int as n from gone`;

  /** @returns undefined where another process is at it */
  function once(statement: typeof words): Promise<number | undefined> {
    return db.transaction(async (tx) => {
      const [lock] = await tx.execute<{ mine: boolean }>(
        sql`select pg_try_advisory_xact_lock(hashtextextended('latchkey-retention', 0)) as mine`,
      );
      if (lock?.mine !== true) return undefined;
      const [done] = await tx.execute<{ n: number }>(statement);
      return done?.n ?? 0;
    });
  }

  let cleared = 0;
  for (const statement of [stale, words, received, places]) {
    for (;;) {
      if (signal?.aborted) return cleared;
      const begun = performance.now();
      const rows = await once(statement);
      if (rows === undefined) return cleared;
      onBatch?.(rows, performance.now() - begun);
      if (statement === words) cleared += rows;
      if (rows < batch) break;
    }
  }
  return cleared;
}
