/** The statements of the mailbox that every turn runs. */

import { sql } from '../db/drizzle.ts';
import { builtOnce } from '../db/statement.ts';
import type { FundingKind } from '../funding/funding-kind.ts';
import { selectTurns, type TurnRow } from './turn-row.ts';

export interface AcceptedTurn {
  readonly platform: string;
  readonly platformChatId: string;
  readonly messageId: string;
  /** Whose mailbox it is put in: the user that the sender's identity belongs to. */
  readonly userId: number;
  /** Whose data key sealed `input`, where that is another's (the identity is linked). */
  readonly ownerId?: number;
  readonly platformUserId: string;
  readonly chatId: number;
  readonly conversation: number;
  readonly rowKey: string;
  readonly input: Uint8Array;
  readonly sentAt: Date;
  readonly sentOrder: number;
  readonly replyTo: string;
  /** The turn of the same chat whose question or answer this one replies to. */
  readonly followsTurnId: number | undefined;
  /** In a group, nobody but the sender sees the answer. */
  readonly isPrivate: boolean;
  /** Whom its user chose to pay, where they were asked. */
  readonly payerChoice?: FundingKind | undefined;
  readonly mergeKey: string | undefined;
  /** How long the turn waits for messages that belong to it, in milliseconds. */
  readonly waitMs: number;
}

export type FinalStatus = 'done' | 'failed' | 'cancelled';

interface AcceptValues
  extends Omit<AcceptedTurn, 'ownerId' | 'sentAt' | 'followsTurnId' | 'mergeKey' | 'payerChoice'> {
  readonly limit: number;
  readonly ownerId: number | null;
  readonly mergeKey: string | null;
  readonly sentAt: string;
  readonly followsTurnId: number | null;
  readonly payerChoice: FundingKind | null;
}

export const ACCEPT = builtOnce<
  AcceptValues,
  {
    readonly known: boolean;
    readonly fresh: boolean;
    readonly turn_id: number | null;
    readonly open: number | null;
  }
>(
  (place) => sql`
    with sender as materialized (
      -- Held against linking, which waits for it and then sees the turn.
      select 1 from identities
      where platform = ${place('platform')} and platform_user_id = ${place('platformUserId')}
        and user_id = ${place('userId')}::bigint
      for share
    ), fresh as (
      insert into inbox (platform, platform_chat_id, message_id, outcome, turn_id)
      select ${place('platform')}, ${place('platformChatId')}, ${place('messageId')}, 'turn',
             nextval(pg_get_serial_sequence('turns', 'id')) from sender
      on conflict do nothing
      returning turn_id
    ), line as (
      insert into mailbox as mb (user_id, last_seq, open)
      select ${place('userId')}::bigint, 1, 1 from fresh
      on conflict (user_id) do update set last_seq = mb.last_seq + 1, open = mb.open + 1
      where mb.open < ${place('limit')}
      returning last_seq, open
    ), accepted as (
      insert into turns (id, user_id, owner_id, chat_id, conversation, seq, status, not_before,
                         merge_key, sent_at, sent_order, platform_user_id, reply_to, row_key, input,
                         follows_turn_id, is_private, payer_choice)
      overriding system value
      select fresh.turn_id, ${place('userId')}::bigint, ${place('ownerId')}::bigint,
             ${place('chatId')}::bigint, ${place('conversation')}::int,
             line.last_seq, 'queued',
             case when ${place('waitMs')}::int > 0 then now() + ${place('waitMs')}::int * interval '1 ms' end,
             ${place('mergeKey')}::text, ${place('sentAt')}::timestamptz,
             ${place('sentOrder')}::bigint, ${place('platformUserId')}, ${place('replyTo')},
             ${place('rowKey')}, ${place('input')}::bytea,
             ${place('followsTurnId')}::bigint, ${place('isPrivate')}::boolean,
             ${place('payerChoice')}::text
      from fresh, line
      returning id
    )
    select exists (select from sender) as known, exists (select from fresh) as fresh,
           (select id from accepted) as turn_id,
           (select open from line) as open`,
);

export const CLAIM = builtOnce<
  { readonly userId: number; readonly worker: string; readonly leaseMs: number },
  TurnRow & { readonly takenOver: boolean }
>(
  (place) => sql`
    with claimed as (
      update turns t
      set status = 'running', attempt = t.attempt + 1, worker = ${place('worker')},
          lease_until = now() + ${place('leaseMs')}::int * interval '1 ms',
          started_at = coalesce(t.started_at, now()), not_before = null
      from (
        select id, status as was from turns
        where user_id = ${place('userId')} and status in ('queued', 'running')
        order by (status = 'running') desc, sent_at, sent_order, seq limit 1
      ) head
      where t.id = head.id
        and ((t.status = 'queued' and (t.not_before is null or t.not_before <= now()))
          or (t.status = 'running' and t.lease_until < now()))
      returning t.*, head.was
    )
    select *, (select was = 'running' from claimed) as "takenOver"
    from (${selectTurns(sql`claimed`)}) turn`,
);

export const FINISH = builtOnce<
  {
    readonly turnId: number;
    readonly attempt: number;
    readonly status: FinalStatus;
    readonly outcome: string | null;
  },
  { readonly open: number }
>(
  (place) => sql`
    with finished as (
      update turns set status = ${place('status')},
                       outcome = coalesce(${place('outcome')}::text, outcome,
                         case when ${place('status')}::text = 'cancelled' then cancel_reason end),
                       finished_at = now(), lease_until = null
      where id = ${place('turnId')} and attempt = ${place('attempt')} and status = 'running'
      returning user_id
    )
    update mailbox mb set open = mb.open - 1 from finished f
    where mb.user_id = f.user_id returning mb.open`,
);
