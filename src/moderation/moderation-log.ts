/** What was decided, with scores and without words, for MODERATION_DAYS. */

import type { Database } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';
import type { Verdict } from './checker.ts';
import type { Consequence } from './ladder.ts';

export type Direction = 'input' | 'output';

export interface ModerationLog {
  write(entry: {
    readonly userId: number;
    readonly turnId: number;
    /** The pool that was to pay. */
    readonly poolId?: number | null | undefined;
    readonly direction: Direction;
    readonly verdict: Verdict;
    readonly consequence: Consequence | undefined;
  }): Promise<void>;
  removeExpired(days: number): Promise<void>;
}

/** Rows that one statement deletes. */
const BATCH = 5_000;

export function createModerationLog({ db }: { readonly db: Database }): ModerationLog {
  return {
    async write({
      userId,
      turnId,
      poolId = null,
      direction,
      verdict: { action, categories, scores },
      consequence,
    }) {
      const rounded = Object.entries(scores).map(([name, score]) => [name, round(score)] as const);
      // Whoever is being forgotten meanwhile gets no row that names them.
      await db.execute(sql`
        insert into moderation_log (user_id, turn_id, pool_id, direction, action, categories, scores, consequence)
        select id, ${turnId}::bigint, ${poolId}::bigint, ${direction}, ${action},
               ${`{${categories.map((name) => `"${name}"`).join(',')}}`}::text[],
               ${JSON.stringify(Object.fromEntries(rounded))}::text::jsonb, ${consequence ?? null}::text
        from users where id = ${userId}::bigint for key share`);
    },

    async removeExpired(days) {
      for (;;) {
        const gone = await db.execute(sql`
          delete from moderation_log where id in (
            select id from moderation_log where at < now() - ${days}::int * interval '1 day'
            order by at limit ${BATCH}::int for update skip locked)
          returning id`);
        if (gone.length < BATCH) return;
      }
    },
  };
}

/** Four places tell scores from thresholds well enough. */
function round(score: number): number {
  return Math.round(score * 10_000) / 10_000;
}
