/** Where people wrote to the bot lately: for platforms that send nothing again. */

import type { Database } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';
import type { ChatAddress, PlatformName } from './message.ts';

export interface RecentChat {
  readonly chat: ChatAddress;
  /** When the first of the last day's messages came in that are known of it. */
  readonly since: Date;
}

export type RecentChats = (most: number) => Promise<readonly RecentChat[]>;

/**
 * Chats and threads of the last day, those with the newest messages first; a thread that was opened
 * for an answer too, where nobody has written yet. What was forgotten is not among them.
 */
export function createRecentChats(db: Database, platform: PlatformName): RecentChats {
  return async (most) => {
    const rows = await db.execute<{
      chat_id: string;
      thread_id: string;
      kind: ChatAddress['kind'];
      whole_id: string;
      since: number;
    }>(sql`
      with received as (
        select i.platform_chat_id as chat_id, coalesce(c.thread_id, i.thread_id) as thread_id,
               coalesce(c.kind, i.chat_kind) as kind, coalesce(c.whole_id, '') as whole_id,
               i.message_id, i.received_at, t.id is not null as is_turn
        from inbox i left join turns t on t.id = i.turn_id left join chats c on c.id = t.chat_id
        where i.platform = ${platform} and i.received_at > now() - interval '1 day'
      ), places as (
        select chat_id, thread_id, kind, whole_id, received_at from received
        union all
        select r.chat_id, r.message_id, r.kind, r.whole_id, r.received_at
        from received r join chat_settings s on s.platform = ${platform}
          and s.whole_id = coalesce(nullif(r.whole_id, ''), r.chat_id)
        where r.is_turn and r.kind = 'group' and r.thread_id = '' and s.answers_in = 'threads'
      )
      select chat_id, thread_id, kind, max(whole_id) as whole_id,
             floor(extract(epoch from min(received_at)) * 1000)::bigint as since
      from places group by chat_id, thread_id, kind
      order by max(received_at) desc limit ${most}`);
    return rows.map((row) => ({
      chat: {
        platform,
        chatId: row.chat_id,
        kind: row.kind,
        ...(row.thread_id === '' ? {} : { threadId: row.thread_id }),
        ...(row.whole_id === '' ? {} : { wholeId: row.whole_id }),
      },
      since: new Date(row.since),
    }));
  };
}
