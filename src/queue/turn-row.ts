/** What a worker reads of a turn, with its chat and its user, as one row. */

import { JOIN_SETTINGS, SETTINGS_OF_CHAT } from '../chat/chat-settings.ts';
import type { ChatAddress } from '../chat/message.ts';
import { type SQL, sql } from '../db/drizzle.ts';
import type { chatSettings, users } from '../db/schema.ts';
import type { FundingKind } from '../funding/funding-kind.ts';

/** Moments in milliseconds since 1970. */
export interface TurnRow {
  readonly id: number;
  readonly attempt: number;
  readonly userId: number;
  readonly ownerId: number | null;
  readonly platformUserId: string;
  readonly conversation: number;
  readonly rowKey: string;
  readonly replyTo: string;
  readonly createdAt: number;
  readonly input: Uint8Array;
  readonly followsTurnId: number | null;
  readonly isPrivate: boolean;
  readonly cancelReason: string | null;
  readonly answer: Uint8Array | null;
  readonly outcome: string | null;
  readonly costNote: string | null;
  readonly wasCalled: boolean;
  readonly wasAnswered: boolean;
  readonly deliveryTries: number;
  readonly funding: FundingKind | null;
  readonly provider: string | null;
  readonly model: string | null;
  readonly payerChoice: FundingKind | null;
  readonly chatId: number;
  readonly platform: string;
  readonly platformChatId: string;
  readonly threadId: string;
  readonly wholeId: string;
  readonly chatKind: ChatAddress['kind'];
  readonly settings: typeof chatSettings.$inferSelect | null;
  readonly showCost: boolean;
  readonly payerOrder: (typeof users.$inferSelect)['payerOrder'];
  readonly agreesToGroups: boolean;
  /** Whether there is anything of the kind: a key, a pool, a credit, whatever its state. */
  readonly hasOwn: boolean;
  readonly hasPool: boolean;
  readonly hasCredit: boolean;
  /** Whether anybody is paused or suspended. */
  readonly anySuspension: boolean;
  readonly lastFunding: FundingKind | null;
  readonly lastFundingId: number | null;
}

/** @param turn a row of `turns`, or what a statement made of one, by its name */
export function selectTurns(turn: SQL): SQL {
  const wholeId = sql`case when c.whole_id = '' then c.platform_chat_id else c.whole_id end`;
  return sql`
    select t.id, t.attempt, t.user_id as "userId", t.owner_id as "ownerId",
           t.platform_user_id as "platformUserId", t.conversation, t.row_key as "rowKey",
           t.reply_to as "replyTo",
           floor(extract(epoch from t.created_at) * 1000)::bigint as "createdAt", t.input,
           t.follows_turn_id as "followsTurnId", t.is_private as "isPrivate",
           t.cancel_reason as "cancelReason", t.answer, t.outcome, t.cost_note as "costNote",
           t.called_at is not null as "wasCalled", t.answered_at is not null as "wasAnswered",
           t.delivery_tries as "deliveryTries", t.funding, t.provider, t.model,
           t.payer_choice as "payerChoice",
           c.id as "chatId", c.platform, c.platform_chat_id as "platformChatId",
           c.thread_id as "threadId", c.whole_id as "wholeId", c.kind as "chatKind",
           ${SETTINGS_OF_CHAT} as settings,
           u.show_cost as "showCost", u.payer_order as "payerOrder",
           u.group_consent_at is not null as "agreesToGroups",
           exists (select from api_keys k where k.user_id = t.user_id) as "hasOwn",
           exists (select from pool_members m where m.user_id = t.user_id)
             or exists (select from pool_chats p where p.platform = c.platform
                        and p.whole_id = ${wholeId}) as "hasPool",
           exists (select from credits g where g.user_id = t.user_id
                   and g.closed_at is null) as "hasCredit",
           exists (select from suspensions x where x.kind <> 'warning' and x.lifted_at is null
                   and (x.until is null or x.until > now())) as "anySuspension",
           last.funding as "lastFunding", last.funding_id as "lastFundingId"
    from ${turn} t join chats c on c.id = t.chat_id join users u on u.id = t.user_id
    ${JOIN_SETTINGS}
    left join lateral (
      select r.funding, r.funding_id from reservations r
      where r.user_id = t.user_id and r.answered and r.turn_id <> t.id
      order by r.at desc limit 1
    ) last on true`;
}
