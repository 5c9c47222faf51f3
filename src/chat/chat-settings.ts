/** Reads and writes what /chat sets. On the way of a message they come along with its chat's row. */

import type { Database, Queryable } from '../db/client.ts';
import { and, eq, type SQL, sql } from '../db/drizzle.ts';
import { chatSettings } from '../db/schema.ts';
import { chatHolder, moveBudgets } from '../funding/budgets.ts';
import { type ChatRules, NO_RULES, readPlaces, wholeOf } from './chat-rules.ts';
import type { ChatAddress } from './message.ts';

export interface ChatSettings {
  read(chat: ChatAddress): Promise<ChatRules>;
  write(chat: ChatAddress, change: Partial<ChatRules>): Promise<void>;
}

export function createChatSettings({ db }: { readonly db: Database }): ChatSettings {
  return {
    async read(chat) {
      const whole = wholeOf(chat);
      const [row] = await db
        .select()
        .from(chatSettings)
        .where(
          and(eq(chatSettings.platform, whole.platform), eq(chatSettings.wholeId, whole.wholeId)),
        );
      return rulesOf(row);
    },

    async write(chat, change) {
      const { places, ...rest } = change;
      const set = { ...rest, ...(places === undefined ? {} : { places }) };
      await db
        .insert(chatSettings)
        .values({ ...wholeOf(chat), ...set })
        .onConflictDoUpdate({ target: [chatSettings.platform, chatSettings.wholeId], set });
    },
  };
}

/** For raw statements: the row `s` of `chat_settings` as {@link rulesOf} takes it, null without one. */
export const SETTINGS_OF_CHAT: SQL = sql`
  case when s.platform is not null then
    json_build_object('platform', s.platform, 'wholeId', s.whole_id, 'places', s.places,
                      'answersIn', s.answers_in, 'openTo', s.open_to,
                      'turnsPerDay', s.turns_per_day, 'microsPerDay', s.micros_per_day)
  end`;

/** … joined to the chat `c`. */
export const JOIN_SETTINGS: SQL = sql`
  left join chat_settings s on s.platform = c.platform
    and s.whole_id = case when c.whole_id = '' then c.platform_chat_id else c.whole_id end`;

/** @param row null or undefined: nothing was ever set */
export function rulesOf(row: typeof chatSettings.$inferSelect | null | undefined): ChatRules {
  if (row == null) return NO_RULES;
  const { platform: _, wholeId: __, places, ...rules } = row;
  return { ...rules, places: readPlaces(places) };
}

/** A group got another id. What was set under the new one before the news came is given up. */
export async function moveChatSettings(
  tx: Queryable,
  from: ChatAddress,
  to: ChatAddress,
): Promise<void> {
  const old = wholeOf(from);
  const next = wholeOf(to);
  const [row] = await tx
    .delete(chatSettings)
    .where(and(eq(chatSettings.platform, old.platform), eq(chatSettings.wholeId, old.wholeId)))
    .returning();
  if (row !== undefined) {
    const places = readPlaces(row.places)?.map((place) =>
      place.startsWith(`${from.chatId}/`)
        ? `${to.chatId}${place.slice(from.chatId.length)}`
        : place,
    );
    const moved = { ...row, ...next, places: places ?? null };
    await tx
      .insert(chatSettings)
      .values(moved)
      .onConflictDoUpdate({
        target: [chatSettings.platform, chatSettings.wholeId],
        set: moved,
      });
  }
  await tx.execute(sql`
    update pool_chats old set platform = ${next.platform}, whole_id = ${next.wholeId}
    where platform = ${old.platform} and whole_id = ${old.wholeId}
      and not exists (select from pool_chats
                      where platform = ${next.platform} and whole_id = ${next.wholeId})`);
  await moveBudgets(tx, chatHolder(old), chatHolder(next));
}
