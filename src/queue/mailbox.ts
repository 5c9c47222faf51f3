/**
 * The mailbox: every user's turns, in order, one at a time. Exclusion and order live here, in
 * SQL; `wakeups.ts` only tells workers whose mailbox to look into.
 */

import { type Database, isUniqueViolation } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';
import type { TurnRow } from './turn-row.ts';
import { ACCEPT, type AcceptedTurn, CLAIM, FINISH, type FinalStatus } from './turn-statements.ts';

export type { AcceptedTurn, FinalStatus } from './turn-statements.ts';

export type Acceptance =
  | {
      readonly result: 'accepted';
      readonly turnId: number;
      /**
       * Others of the user's are open, and whoever ends one of them wakes the user again: there is
       * no need to. (Counted under the lock under which {@link Mailbox.finish} counts what is left.)
       */
      readonly isBehindOthers: boolean;
    }
  /** The platform delivered this message before: nothing was changed. */
  | { readonly result: 'duplicate' }
  /**
   * The user has as many open turns as may wait. Recorded: a redelivery is refused as well, until
   * the refusal was told (`inbox.handled_at`), and is a duplicate from then on.
   */
  | { readonly result: 'full'; readonly limit: number }
  /** By now the sender's identity belongs to another user: nothing was changed. */
  | { readonly result: 'moved' };

/** The right to write to a running turn, until another worker claims it. */
export interface Fence {
  readonly turnId: number;
  readonly attempt: number;
}

export interface Claim extends Fence {
  /** The lease that this claim took over had expired: an earlier worker died or was cut off. */
  readonly takenOver: boolean;
  /** The turn as it was claimed. */
  readonly row: TurnRow;
}

export interface Mailbox {
  /** Inserts turn and inbox row in one statement: when it resolves, the update may be acknowledged. */
  accept(turn: AcceptedTurn): Promise<Acceptance>;
  /** Takes the head of the user's line, if it may run now, and reads it in the same statement. */
  claim(userId: number, worker: string, leaseMs: number): Promise<Claim | undefined>;
  /** @returns how many turns of the user are still open, or undefined: the fence no longer holds */
  finish(fence: Fence, status: FinalStatus, outcome: string | null): Promise<number | undefined>;
  /**
   * Ends a turn that was answered, but whose platform takes no more of it until its user presses
   * "Continue"; see {@link renew}.
   * @param input what the sealed input was when delivery began
   * @returns false: the fence no longer holds, or the input was renewed meanwhile
   */
  expire(fence: Fence, input: Uint8Array): Promise<boolean>;
  /**
   * Gives an answered turn another sealed input, with which the rest is delivered.
   * @returns `reopened`: an expired turn waits for its delivery again; `open`: it has not ended yet,
   * and ends with the new input; undefined: neither, or the input is not what it was
   */
  renew(
    turn: { readonly turnId: number; readonly userId: number; readonly input: Uint8Array },
    input: Uint8Array,
  ): Promise<'reopened' | 'open' | undefined>;
  /** Back into the line, to be claimed again after `delayMs`. @returns whether the fence held */
  putBack(fence: Fence, delayMs: number): Promise<boolean>;
  /** @returns the fences that still hold, with the reason of those that are to be cancelled */
  extend(
    fences: readonly Fence[],
    leaseMs: number,
  ): Promise<readonly (Fence & { readonly cancelReason: string | null })[]>;
  /** How many turns of the user wait or run. */
  open(userId: number): Promise<number>;
  /** Users whose mailbox has something that ought to run by now and does not. */
  overdue(graceMs: number): Promise<readonly number[]>;
  /**
   * Cancels open turns; running ones are told over {@link CANCEL_CHANNEL}. One that waits, but of
   * which something stands in its chat, counts as running: it is run once more, to end there.
   */
  cancel(which: CancelScope, reason: string): Promise<CancelCount>;
}

export type CancelScope =
  | { readonly turnId: number; readonly chatIds: readonly number[] }
  | { readonly userId: number; readonly chatId: number }
  | { readonly chatIds: readonly number[] };

export interface CancelCount {
  readonly waiting: number;
  readonly running: number;
}

/** NOTIFY channel; the payload is the turn's id. */
export const CANCEL_CHANNEL = 'latchkey_cancel';

export function createMailbox({
  db,
  limit: limitOf,
}: {
  readonly db: Database;
  /** Open turns a user may have at once. */
  readonly limit: number | ((userId: number) => Promise<number>);
}): Mailbox {
  /**
   * A message that found the mailbox full, in a process that died before it could say so: its row
   * names a turn that was never made, or is a refusal that was not carried out.
   */
  async function isUntoldRefusal(turn: AcceptedTurn): Promise<boolean> {
    const rows = await db.execute(sql`
      update inbox i set outcome = 'refused', turn_id = null
      where i.platform = ${turn.platform} and i.platform_chat_id = ${turn.platformChatId}
        and i.message_id = ${turn.messageId} and i.handled_at is null
        and (i.outcome = 'refused'
          or (i.outcome = 'turn' and not exists (select from turns t where t.id = i.turn_id)))
      returning i.message_id`);
    return rows.length > 0;
  }

  return {
    async accept(turn) {
      const limit = typeof limitOf === 'number' ? limitOf : await limitOf(turn.userId);
      const [row] = await ACCEPT(db, {
        ...turn,
        limit,
        ownerId: turn.ownerId ?? null,
        mergeKey: turn.mergeKey ?? null,
        sentAt: turn.sentAt.toISOString(),
        followsTurnId: turn.followsTurnId ?? null,
        payerChoice: turn.payerChoice ?? null,
      });
      if (row !== undefined && !row.known) return { result: 'moved' };
      if (row === undefined || !row.fresh) {
        return (await isUntoldRefusal(turn)) ? { result: 'full', limit } : { result: 'duplicate' };
      }
      if (row.turn_id !== null) {
        return { result: 'accepted', turnId: row.turn_id, isBehindOthers: (row.open ?? 1) > 1 };
      }
      await db.execute(sql`
        update inbox set outcome = 'refused', turn_id = null
        where platform = ${turn.platform} and platform_chat_id = ${turn.platformChatId}
          and message_id = ${turn.messageId}`);
      return { result: 'full', limit };
    },

    async claim(userId, worker, leaseMs) {
      try {
        const [row] = await CLAIM(db, { userId, worker, leaseMs });
        if (row === undefined) return undefined;
        return { turnId: row.id, attempt: row.attempt, takenOver: row.takenOver, row };
      } catch (error) {
        // Two workers saw different heads (an earlier message was committed in between): the
        // index on running turns lets one of them through.
        if (isUniqueViolation(error)) return undefined;
        throw error;
      }
    },

    async finish({ turnId, attempt }, status, outcome) {
      const [row] = await FINISH(db, { turnId, attempt, status, outcome });
      return row?.open;
    },

    async expire({ turnId, attempt }, input) {
      const rows = await db.execute(sql`
        with finished as (
          update turns set status = 'done', outcome = coalesce(outcome, 'expired'),
                           expired_at = now(), finished_at = now(), lease_until = null
          where id = ${turnId} and attempt = ${attempt} and status = 'running'
            and answered_at is not null and input = ${input}::bytea
          returning user_id
        )
        update mailbox mb set open = mb.open - 1 from finished f
        where mb.user_id = f.user_id returning mb.open`);
      return rows.length > 0;
    },

    async renew({ turnId, userId, input: before }, input) {
      const rows = await db.execute<{ was: string }>(sql`
        with chosen as (
          select id, user_id, status from turns
          where id = ${turnId} and user_id = ${userId} and input = ${before}::bytea
            and (status in ('queued', 'running') or (status = 'done' and expired_at is not null))
          for update
        ), renewed as (
          update turns t set input = ${input}::bytea, expired_at = null,
                             status = case when c.status = 'done' then 'queued' else c.status end
          from chosen c where t.id = c.id
          returning c.user_id, c.status as was
        ), counted as (
          update mailbox mb set open = mb.open + 1 from renewed r
          where mb.user_id = r.user_id and r.was = 'done' returning 1
        )
        select was from renewed`);
      const was = rows[0]?.was;
      return was === undefined ? undefined : was === 'done' ? 'reopened' : 'open';
    },

    async putBack({ turnId, attempt }, delayMs) {
      const rows = await db.execute(sql`
        update turns set status = 'queued', lease_until = null,
                         not_before = now() + ${delayMs}::int * interval '1 ms'
        where id = ${turnId} and attempt = ${attempt} and status = 'running' returning id`);
      return rows.length > 0;
    },

    async extend(fences, leaseMs) {
      if (fences.length === 0) return [];
      const held = sql.join(
        fences.map((f) => sql`(${f.turnId}::bigint, ${f.attempt}::int)`),
        sql`, `,
      );
      const rows = await db.execute<{
        id: number;
        attempt: number;
        cancel_reason: string | null;
      }>(sql`
        update turns t set lease_until = now() + ${leaseMs}::int * interval '1 ms'
        from (values ${held}) as held (id, attempt)
        where t.id = held.id and t.attempt = held.attempt and t.status = 'running'
        returning t.id, t.attempt, t.cancel_reason`);
      return rows.map((row) => ({
        turnId: row.id,
        attempt: row.attempt,
        cancelReason: row.cancel_reason,
      }));
    },

    async open(userId) {
      const rows = await db.execute<{ open: number }>(
        sql`select open from mailbox where user_id = ${userId}`,
      );
      return rows[0]?.open ?? 0;
    },

    async overdue(graceMs) {
      const rows = await db.execute<{ user_id: number }>(sql`
        select distinct user_id from turns t
        where (status = 'running' and lease_until < now())
           or (status = 'queued'
               and greatest(created_at, not_before) < now() - ${graceMs}::int * interval '1 ms'
               and not exists (select from turns r where r.user_id = t.user_id
                               and r.status = 'running' and r.lease_until >= now()))
        limit 1000`);
      return rows.map((row) => row.user_id);
    },

    async cancel(which, reason) {
      const inChats = (ids: readonly number[]) =>
        sql`chat_id in (${sql.join(
          ids.map((id) => sql`${id}::bigint`),
          sql`, `,
        )})`;
      const scope =
        'turnId' in which
          ? sql`id = ${which.turnId} and ${inChats(which.chatIds)}`
          : 'userId' in which
            ? sql`user_id = ${which.userId} and chat_id = ${which.chatId}`
            : inChats(which.chatIds);
      const rows = await db.execute<{ waiting: number; running: number }>(sql`
        with chosen as (
          select id, user_id, status, exists (
                   select from deliveries d where d.turn_id = turns.id and d.part = 0) as shown
          from turns
          where ${scope} and status in ('queued', 'running')
          order by id for update
        ), waiting as (
          update turns t set status = 'cancelled', outcome = ${reason}, cancel_reason = ${reason},
                             finished_at = now(), not_before = null
          from chosen c
          where t.id = c.id and c.status = 'queued' and t.answered_at is null and not c.shown
          returning t.user_id
        ), counted as (
          select user_id, count(*)::int as n from waiting group by user_id
        ), closed as (
          update mailbox mb set open = mb.open - c.n from counted c
          where mb.user_id = c.user_id returning 1
        ), running as (
          -- Of one that waits, something may stand in the chat: it is run once more, to end there.
          update turns t set cancel_reason = coalesce(t.cancel_reason, ${reason}), not_before = null
          from chosen c
          where t.id = c.id
            and (c.status = 'running' or (t.answered_at is null and c.shown))
          returning t.id
        ), told as (
          select pg_notify(${CANCEL_CHANNEL}, id::text) from running
        )
        select (select count(*)::int from waiting) as waiting,
               (select count(*)::int from told) as running,
               (select count(*)::int from closed) as mailboxes`);
      return { waiting: rows[0]?.waiting ?? 0, running: rows[0]?.running ?? 0 };
    },
  };
}
