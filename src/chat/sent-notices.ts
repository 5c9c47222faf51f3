/**
 * What the bot says in direct chats without having been asked: a key whose time is over, an account
 * that was linked, a command that was interrupted. Noted, so that /forget deletes it there as well.
 */

import type { Database } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';
import { type Log, serializeError } from '../log.ts';
import type { ChatAddress } from './message.ts';
import type { PlatformSender } from './platform.ts';

/** A sender whose notices in direct chats are noted. That one can't be noted never fails it. */
export function noteNotices(
  { db, log }: { readonly db: Database; readonly log: Log },
  sender: PlatformSender,
): PlatformSender {
  return {
    ...sender,
    async notify(target, notice) {
      if (target.chat.kind !== 'direct') return sender.notify(target, notice);
      const sent: string[] = [];
      const onSent = (messageId: string): void => {
        sent.push(messageId);
        target.onSent?.(messageId);
      };
      try {
        return await sender.notify({ ...target, onSent }, notice);
      } finally {
        // Also of a notice of which only the beginning could be sent.
        await note(db, target.chat, sent).catch((error: unknown) =>
          log.warn({ error: serializeError(error) }, 'noting a notice'),
        );
      }
    },
  };
}

/** Nothing is noted of a chat that nobody is known by: whoever is forgotten stays so. */
async function note(
  db: Database,
  { platform, chatId }: ChatAddress,
  messageIds: readonly string[],
): Promise<void> {
  if (messageIds.length === 0) return;
  await db.execute(sql`
    with whose as (
      select id from users where id in (
        select user_id from identities
        where platform = ${platform} and platform_user_id in (${chatId}, ${nameIn(chatId)})
        union all
        select t.user_id from turns t join chats c on c.id = t.chat_id
        where c.platform = ${platform} and c.platform_chat_id = ${chatId} and c.kind = 'direct')
      order by id limit 1 for key share)
    insert into sent_notices (platform, platform_chat_id, message_id)
    select ${platform}, ${chatId}, sent.id
    from whose, jsonb_array_elements_text(${JSON.stringify(messageIds)}::text::jsonb) as sent (id)
    on conflict do nothing`);
}

/** Before its channel is known, a direct chat on Discord is called by its user (`user:…`). */
function nameIn(chatId: string): string {
  return chatId.replace(/^user:/, '');
}
