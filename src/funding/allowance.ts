/**
 * The house allowance: reserved before the provider is asked, settled with what was really used.
 * Whoever locks a user's or a chat's day has locked the house's before.
 */

import type { Database } from '../db/client.ts';
import { and, eq, isNull, type SQL, sql } from '../db/drizzle.ts';
import { allowanceDays, reservations } from '../db/schema.ts';
import { LEAST_OUTPUT_TOKENS, type OutputCost } from './clamp.ts';
import { houseDay, nextHouseDay } from './money.ts';

export interface AllowanceLimits {
  /** FREE_DAILY_MESSAGES */
  readonly turnsPerDay: number;
  /** FREE_DAILY_USD, in micros */
  readonly microsPerDay: number;
  /** HOUSE_DAILY_USD, in micros, for everybody together */
  readonly houseMicrosPerDay: number;
}

export interface ReservationRequest extends OutputCost {
  readonly turnId: number;
  readonly attempt: number;
  readonly userId: number;
  readonly provider: string;
  readonly model: string;
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
  | { readonly ok: false; readonly reason: AllowanceRefusal | 'taken-over' };

export interface AllowanceState {
  readonly turnsUsed: number;
  readonly turnsLimit: number;
  readonly spentMicros: number;
  readonly limitMicros: number;
  readonly resetsAt: Date;
}

/** What an attempt at a turn cost in the end. */
export interface Settlement {
  readonly turnId: number;
  readonly attempt: number;
  /** What it cost the house. */
  readonly spentMicros: number;
  /** False gives turn and money back to the user; the house still pays `spentMicros`. */
  readonly answered: boolean;
}

export interface Allowance {
  /**
   * Reserves the most that the turn can cost and records on the turn that the house pays and that
   * its provider is about to be asked, or says what is used up. All in one statement: the house's
   * row is every turn's, and is held for no longer than that.
   */
  reserve(request: ReservationRequest): Promise<ReservationResult>;
  /**
   * Replaces the attempt's reservation with what it cost. Settling twice changes nothing.
   * @returns common table expressions for the caller's statement
   * @param given the name of one of its table expressions, without rows of which nothing is settled
   */
  settlement(settlement: Settlement, given: 'stored'): SQL;
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
  const settlement = (what: Settlement, given?: 'stored') =>
    reservationSettlement(what, now(), given);

  const openDay = (day: string, { userId, chat }: ReservationRequest) =>
    db.execute(sql`
      with house as (
        insert into house_days (day) values (${day}::date) on conflict do nothing
      ), chat as (
        insert into chat_days (platform, whole_id, day)
        select ${chat?.platform ?? null}::text, ${chat?.wholeId ?? null}::text, ${day}::date
        where ${chat !== undefined}::boolean on conflict do nothing
      )
      insert into allowance_days (user_id, day) values (${userId}, ${day}::date)
      on conflict do nothing`);

  /** @returns undefined where the day has no rows yet */
  async function tryReserve(
    request: ReservationRequest,
    day: string,
  ): Promise<ReservationResult | undefined> {
    const { turnId, attempt, userId, inputMicros, outputMicrosPerMillion: rate } = request;
    const most = request.maxOutputTokens;
    const { chat } = request;
    const [row] = await db.execute<{
      refusal: AllowanceRefusal | null;
      output: number;
      amount: number;
      held: boolean;
    }>(sql`
      with house as (
        select spent_micros + reserved_micros as taken from house_days
        where day = ${day}::date for update
      ), mine as (
        select turns, spent_micros + reserved_micros as taken from allowance_days
        where user_id = ${userId} and day = ${day}::date and exists (select from house) for update
      )${
        chat === undefined
          ? sql``
          : sql`, chat as (
        select turns, spent_micros + reserved_micros as taken from chat_days
        where platform = ${chat.platform} and whole_id = ${chat.wholeId} and day = ${day}::date
          and exists (select from house) for update
      )`
      }, remaining as (
        select mine.turns >= ${limits.turnsPerDay}::int as turns_used,
               ${limits.microsPerDay}::bigint - mine.taken as user_left,
               ${limits.houseMicrosPerDay}::bigint - house.taken as house_left,
               ${
                 chat === undefined
                   ? sql`false as chat_turns_used, null::bigint as chat_left from house, mine`
                   : sql`chat.turns >= ${chat.turnsPerDay}::int as chat_turns_used,
                         ${chat.microsPerDay}::bigint - chat.taken as chat_left
                         from house, mine, chat`
               }
      ), least_left as (
        -- least() passes over null: a chat without a cap.
        select *, least(user_left, house_left, chat_left) as remaining from remaining
      ), affordable as (
        -- How many output tokens what is left pays for after the input.
        select *, case
          when remaining < ${inputMicros}::bigint then 0
          when ${rate}::numeric = 0 then ${most}::bigint
          else least(${most}::bigint, floor((remaining - ${inputMicros}::bigint)
                     * 1000000 / ${rate}::numeric)) end as output
        from least_left
      ), offer as (
        select output,
          -- Rounded up, so that what is reserved covers whatever is used.
          ${inputMicros}::bigint + ceil(output * ${rate}::numeric / 1000000)::bigint as amount,
          case when turns_used then 'turns-used'
               when chat_turns_used then 'chat-used'
               when output >= least(${LEAST_OUTPUT_TOKENS}::bigint, ${most}::bigint) then null
               when remaining = user_left then 'money-used'
               when remaining = chat_left then 'chat-used'
               else 'house-used' end as refusal
        from affordable
      ), called as (
        update turns t set called_at = now(), funding = 'house',
               provider = ${request.provider}, model = ${request.model}
        from offer where offer.refusal is null
          and t.id = ${turnId} and t.attempt = ${attempt} and t.status = 'running'
        returning offer.amount
      ), house_reserved as (
        update house_days h set reserved_micros = h.reserved_micros + called.amount
        from called where h.day = ${day}::date
      ), user_reserved as (
        update allowance_days a set reserved_micros = a.reserved_micros + called.amount,
               turns = a.turns + 1
        from called where a.user_id = ${userId} and a.day = ${day}::date
      ), chat_reserved as (
        update chat_days c set reserved_micros = c.reserved_micros + called.amount,
               turns = c.turns + 1
        from called where c.platform = ${chat?.platform ?? null}::text
          and c.whole_id = ${chat?.wholeId ?? null}::text and c.day = ${day}::date
      ), reserved as (
        insert into reservations (turn_id, attempt, user_id, day, amount_micros, chat_platform,
                                  chat_whole_id)
        select ${turnId}::bigint, ${attempt}::int, ${userId}::bigint, ${day}::date, amount,
               ${chat?.platform ?? null}::text, ${chat?.wholeId ?? null}::text from called
      )
      select refusal, output::bigint, amount, exists (select from called) as held from offer`);
    if (row === undefined) return undefined;
    if (row.refusal !== null) return { ok: false, reason: row.refusal };
    if (!row.held) return { ok: false, reason: 'taken-over' };
    return { ok: true, maxOutputTokens: row.output, amountMicros: row.amount };
  }

  return {
    async reserve(request) {
      const day = houseDay(now());
      const reserved = await tryReserve(request, day);
      if (reserved !== undefined) return reserved;
      await openDay(day, request);
      const again = await tryReserve(request, day);
      if (again === undefined) throw new Error('an insert made no row');
      return again;
    },

    settlement,

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
          const spentMicros = providerWasAsked ? row.amountMicros : 0;
          const lostAttempt = settlement({ ...row, spentMicros, answered: false });
          await tx.execute(sql`with ${lostAttempt} select from settled`);
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

/**
 * {@link Allowance.settlement}, for those who have no allowance at hand. Each part waits for the one
 * before it, which keeps the order of the locks.
 */
export function reservationSettlement(
  { turnId, attempt, spentMicros, answered }: Settlement,
  at: Date,
  given?: 'stored',
): SQL {
  const charged = answered ? spentMicros : 0;
  return sql`
    settled as (
      update reservations set settled_at = ${at.toISOString()}::timestamptz,
             settled_micros = ${spentMicros}::bigint, charged_micros = ${charged}::bigint
      where turn_id = ${turnId} and attempt = ${attempt} and settled_at is null
            ${given === undefined ? sql`` : sql`and exists (select from ${sql.raw(given)})`}
      returning user_id, day, amount_micros, chat_platform, chat_whole_id
    ), settled_house as (
      update house_days h set reserved_micros = h.reserved_micros - s.amount_micros,
             spent_micros = h.spent_micros + ${spentMicros}::bigint
      from settled s where h.day = s.day returning s.*
    ), settled_chat as (
      update chat_days c set reserved_micros = c.reserved_micros - h.amount_micros,
             spent_micros = c.spent_micros + ${spentMicros}::bigint,
             turns = c.turns - ${answered ? 0 : 1}::int
      from settled_house h
      where c.platform = h.chat_platform and c.whole_id = h.chat_whole_id and c.day = h.day
    ), settled_user as (
      update allowance_days a set reserved_micros = a.reserved_micros - h.amount_micros,
             spent_micros = a.spent_micros + ${charged}::bigint,
             turns = a.turns - ${answered ? 0 : 1}::int
      from settled_house h where a.user_id = h.user_id and a.day = h.day
    )`;
}
