/**
 * The house allowance: reserved before the provider is asked, settled with what was really used.
 * Whoever locks a user's or a chat's day has locked the house's before.
 */

import type { Database, Queryable } from '../db/client.ts';
import { and, eq, isNull, sql } from '../db/drizzle.ts';
import { allowanceDays, reservations } from '../db/schema.ts';
import { houseDay, nextHouseDay } from './money.ts';

export interface AllowanceLimits {
  /** FREE_DAILY_MESSAGES */
  readonly turnsPerDay: number;
  /** FREE_DAILY_USD, in micros */
  readonly microsPerDay: number;
  /** HOUSE_DAILY_USD, in micros, for everybody together */
  readonly houseMicrosPerDay: number;
}

/** A turn that could say less than this is refused instead. */
export const LEAST_OUTPUT_TOKENS = 256;

export interface ReservationRequest {
  readonly turnId: number;
  readonly attempt: number;
  readonly userId: number;
  /** The most that the input can cost, in micros. */
  readonly inputMicros: number;
  /** Micros a million output tokens. */
  readonly outputMicrosPerMillion: number;
  /** The most output wanted, in tokens. */
  readonly maxOutputTokens: number;
  /** Set where the chat has a cap of its own. */
  readonly chat?: ChatCap;
}

/** What the house gives a chat a day, whoever asks there. */
export interface ChatCap {
  readonly platform: string;
  readonly wholeId: string;
  /** Null: only the other is capped. */
  readonly turnsPerDay: number | null;
  readonly microsPerDay: number | null;
}

export type AllowanceRefusal = 'turns-used' | 'money-used' | 'house-used' | 'chat-used';

export type ReservationResult =
  | { readonly ok: true; readonly maxOutputTokens: number; readonly amountMicros: number }
  | { readonly ok: false; readonly reason: AllowanceRefusal };

export interface AllowanceState {
  readonly turnsUsed: number;
  readonly turnsLimit: number;
  readonly spentMicros: number;
  readonly limitMicros: number;
  readonly resetsAt: Date;
}

export interface Allowance {
  /** Reserves the most that the turn can cost, or says what is used up. */
  reserve(request: ReservationRequest): Promise<ReservationResult>;
  /**
   * Replaces the attempt's reservation with what it cost the house. Settling twice changes nothing.
   * @param answered false gives turn and money back to the user; the house still pays `spentMicros`
   */
  settle(
    tx: Queryable,
    attempt: { readonly turnId: number; readonly attempt: number },
    spentMicros: number,
    answered: boolean,
  ): Promise<void>;
  /**
   * Settles what attempts before this one left behind when their worker died: at the whole
   * reservation where the provider may have been asked, since nobody knows what was used.
   */
  settleLost(
    turn: { readonly turnId: number; readonly attempt: number },
    providerWasAsked: boolean,
  ): Promise<void>;
  state(userId: number): Promise<AllowanceState>;
}

export function createAllowance({
  db,
  limits,
  now = () => new Date(),
}: {
  readonly db: Database;
  readonly limits: AllowanceLimits;
  readonly now?: () => Date;
}): Allowance {
  const settle: Allowance['settle'] = async (tx, { turnId, attempt }, spentMicros, answered) => {
    const charged = answered ? spentMicros : 0;
    // One statement: each part waits for the one before it, which keeps the order of the locks.
    await tx.execute(sql`
      with settled as (
        update reservations set settled_at = ${now().toISOString()}::timestamptz,
               settled_micros = ${spentMicros}::bigint, charged_micros = ${charged}::bigint
        where turn_id = ${turnId} and attempt = ${attempt} and settled_at is null
        returning user_id, day, amount_micros, chat_platform, chat_whole_id
      ), house as (
        update house_days h set reserved_micros = h.reserved_micros - s.amount_micros,
               spent_micros = h.spent_micros + ${spentMicros}::bigint
        from settled s where h.day = s.day returning s.*
      ), chat as (
        update chat_days c set reserved_micros = c.reserved_micros - h.amount_micros,
               spent_micros = c.spent_micros + ${spentMicros}::bigint,
               turns = c.turns - ${answered ? 0 : 1}::int
        from house h
        where c.platform = h.chat_platform and c.whole_id = h.chat_whole_id and c.day = h.day
      )
      update allowance_days a set reserved_micros = a.reserved_micros - h.amount_micros,
             spent_micros = a.spent_micros + ${charged}::bigint,
             turns = a.turns - ${answered ? 0 : 1}::int
      from house h where a.user_id = h.user_id and a.day = h.day`);
  };

  return {
    reserve: (request) =>
      db.transaction(async (tx) => {
        const day = houseDay(now());
        const { chat } = request;
        const [held] = await tx.execute<{
          house_taken: number;
          turns: number;
          user_taken: number;
          chat_turns: number | null;
          chat_taken: number | null;
        }>(sql`
          with house as (
            insert into house_days (day) values (${day}::date)
            on conflict (day) do update set day = excluded.day
            returning spent_micros + reserved_micros as taken
          ), mine as (
            insert into allowance_days (user_id, day) select ${request.userId}::bigint, ${day}::date from house
            on conflict (user_id, day) do update set day = excluded.day
            returning turns, spent_micros + reserved_micros as taken
          )${
            chat === undefined
              ? sql``
              : sql`, chat as (
            insert into chat_days (platform, whole_id, day)
            select ${chat.platform}, ${chat.wholeId}, ${day}::date from house
            on conflict (platform, whole_id, day) do update set day = excluded.day
            returning turns, spent_micros + reserved_micros as taken
          )`
          }
          select house.taken as house_taken, mine.turns, mine.taken as user_taken,
                 ${chat === undefined ? sql`null::int` : sql`chat.turns`} as chat_turns,
                 ${chat === undefined ? sql`null::bigint` : sql`chat.taken`} as chat_taken
          from house, mine${chat === undefined ? sql`` : sql`, chat`}`);
        if (held === undefined) throw new Error('an upsert returned no row');

        if (held.turns >= limits.turnsPerDay) return { ok: false, reason: 'turns-used' };
        const userLeft = limits.microsPerDay - held.user_taken;
        const houseLeft = limits.houseMicrosPerDay - held.house_taken;
        if (chat?.turnsPerDay != null && (held.chat_turns ?? 0) >= chat.turnsPerDay) {
          return { ok: false, reason: 'chat-used' };
        }
        const chatLeft =
          chat?.microsPerDay == null ? Infinity : chat.microsPerDay - (held.chat_taken ?? 0);
        const left = Math.min(userLeft, houseLeft, chatLeft);
        const maxOutputTokens = affordableOutput(request, left);
        if (maxOutputTokens < Math.min(LEAST_OUTPUT_TOKENS, request.maxOutputTokens)) {
          const reason =
            left === userLeft ? 'money-used' : left === chatLeft ? 'chat-used' : 'house-used';
          return { ok: false, reason };
        }

        const amountMicros = request.inputMicros + outputMicros(request, maxOutputTokens);
        await tx.execute(sql`
          with house as (
            update house_days set reserved_micros = reserved_micros + ${amountMicros}::bigint
            where day = ${day}::date
          ), mine as (
            update allowance_days set reserved_micros = reserved_micros + ${amountMicros}::bigint,
                   turns = turns + 1
            where user_id = ${request.userId} and day = ${day}::date
          )${
            chat === undefined
              ? sql``
              : sql`, chat as (
            update chat_days set reserved_micros = reserved_micros + ${amountMicros}::bigint,
                   turns = turns + 1
            where platform = ${chat.platform} and whole_id = ${chat.wholeId} and day = ${day}::date
          )`
          }
          insert into reservations (turn_id, attempt, user_id, day, amount_micros,
                                    chat_platform, chat_whole_id)
          values (${request.turnId}, ${request.attempt}, ${request.userId}, ${day}::date,
                  ${amountMicros}::bigint, ${chat?.platform ?? null}::text,
                  ${chat?.wholeId ?? null}::text)`);
        return { ok: true, maxOutputTokens, amountMicros };
      }),

    settle,

    async settleLost({ turnId, attempt }, providerWasAsked) {
      await db.transaction(async (tx) => {
        const lost = await tx
          .select()
          .from(reservations)
          .where(
            and(
              eq(reservations.turnId, turnId),
              isNull(reservations.settledAt),
              sql`${reservations.attempt} < ${attempt}`,
            ),
          )
          .for('update');
        for (const row of lost) {
          await settle(tx, row, providerWasAsked ? row.amountMicros : 0, false);
        }
      });
    },

    async state(userId) {
      const [row] = await db
        .select()
        .from(allowanceDays)
        .where(and(eq(allowanceDays.userId, userId), eq(allowanceDays.day, houseDay(now()))));
      return {
        turnsUsed: row?.turns ?? 0,
        turnsLimit: limits.turnsPerDay,
        spentMicros: (row?.spentMicros ?? 0) + (row?.reservedMicros ?? 0),
        limitMicros: limits.microsPerDay,
        resetsAt: nextHouseDay(now()),
      };
    },
  };
}

/** Rounded up, so that what is reserved covers whatever is used. */
function outputMicros(request: ReservationRequest, tokens: number): number {
  return Math.ceil((tokens * request.outputMicrosPerMillion) / 1_000_000);
}

/** How many output tokens `leftMicros` pays for after the input; 0 or less: not even that. */
function affordableOutput(request: ReservationRequest, leftMicros: number): number {
  const forOutput = leftMicros - request.inputMicros;
  if (forOutput < 0) return 0;
  if (request.outputMicrosPerMillion === 0) return request.maxOutputTokens;
  const affordable = Math.floor((forOutput * 1_000_000) / request.outputMicrosPerMillion);
  return Math.min(request.maxOutputTokens, affordable);
}
