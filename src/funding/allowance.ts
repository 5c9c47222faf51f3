/**
 * The house allowance: reserved before the provider is asked, settled with what was really used.
 * Rows are always locked in the order house day, allowance day.
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
}

export type AllowanceRefusal = 'turns-used' | 'money-used' | 'house-used';

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
  const settle: Allowance['settle'] = (tx, attempt, spentMicros, answered) =>
    settleReservation(tx, attempt, { spentMicros, answered, at: now() });

  return {
    reserve: (request) =>
      db.transaction(async (tx) => {
        const day = houseDay(now());
        const [held] = await tx.execute<{
          house_taken: number;
          turns: number;
          user_taken: number;
        }>(sql`
          with house as (
            insert into house_days (day) values (${day}::date)
            on conflict (day) do update set day = excluded.day
            returning spent_micros + reserved_micros as taken
          ), mine as (
            insert into allowance_days (user_id, day) select ${request.userId}::bigint, ${day}::date from house
            on conflict (user_id, day) do update set day = excluded.day
            returning turns, spent_micros + reserved_micros as taken
          )
          select house.taken as house_taken, mine.turns, mine.taken as user_taken from house, mine`);
        if (held === undefined) throw new Error('an upsert returned no row');

        if (held.turns >= limits.turnsPerDay) return { ok: false, reason: 'turns-used' };
        const userLeft = limits.microsPerDay - held.user_taken;
        const houseLeft = limits.houseMicrosPerDay - held.house_taken;
        const maxOutputTokens = affordableOutput(request, Math.min(userLeft, houseLeft));
        if (maxOutputTokens < Math.min(LEAST_OUTPUT_TOKENS, request.maxOutputTokens)) {
          return { ok: false, reason: userLeft <= houseLeft ? 'money-used' : 'house-used' };
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
          )
          insert into reservations (turn_id, attempt, user_id, day, amount_micros)
          values (${request.turnId}, ${request.attempt}, ${request.userId}, ${day}::date,
                  ${amountMicros}::bigint)`);
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

/** {@link Allowance.settle}, for those who have no allowance at hand. */
export async function settleReservation(
  tx: Queryable,
  { turnId, attempt }: { readonly turnId: number; readonly attempt: number },
  what: { readonly spentMicros: number; readonly answered: boolean; readonly at: Date },
): Promise<void> {
  const { spentMicros, answered } = what;
  const charged = answered ? spentMicros : 0;
  // One statement: each part waits for the one before it, which keeps the order of the locks.
  await tx.execute(sql`
    with settled as (
      update reservations set settled_at = ${what.at.toISOString()}::timestamptz,
             settled_micros = ${spentMicros}::bigint, charged_micros = ${charged}::bigint
      where turn_id = ${turnId} and attempt = ${attempt} and settled_at is null
      returning user_id, day, amount_micros
    ), house as (
      update house_days h set reserved_micros = h.reserved_micros - s.amount_micros,
             spent_micros = h.spent_micros + ${spentMicros}::bigint
      from settled s where h.day = s.day returning s.user_id, s.day, s.amount_micros
    )
    update allowance_days a set reserved_micros = a.reserved_micros - h.amount_micros,
           spent_micros = a.spent_micros + ${charged}::bigint,
           turns = a.turns - ${answered ? 0 : 1}::int
    from house h where a.user_id = h.user_id and a.day = h.day`);
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
