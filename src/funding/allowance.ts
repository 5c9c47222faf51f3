/**
 * The house allowance: reserved before the provider is asked, settled with what was really used.
 * Rows are always locked in the order house day, allowance day.
 */

import type { Database, Queryable } from '../db/client.ts';
import { and, eq, isNull, sql } from '../db/drizzle.ts';
import { allowanceDays, houseDays, reservations } from '../db/schema.ts';
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
  const settle: Allowance['settle'] = async (tx, { turnId, attempt }, spentMicros, answered) => {
    const charged = answered ? spentMicros : 0;
    const [settled] = await tx
      .update(reservations)
      .set({ settledAt: now(), settledMicros: spentMicros, chargedMicros: charged })
      .where(
        and(
          eq(reservations.turnId, turnId),
          eq(reservations.attempt, attempt),
          isNull(reservations.settledAt),
        ),
      )
      .returning();
    if (settled === undefined) return;
    await tx
      .update(houseDays)
      .set({
        reservedMicros: sql`${houseDays.reservedMicros} - ${settled.amountMicros}`,
        spentMicros: sql`${houseDays.spentMicros} + ${spentMicros}`,
      })
      .where(eq(houseDays.day, settled.day));
    await tx
      .update(allowanceDays)
      .set({
        reservedMicros: sql`${allowanceDays.reservedMicros} - ${settled.amountMicros}`,
        spentMicros: sql`${allowanceDays.spentMicros} + ${charged}`,
        turns: sql`${allowanceDays.turns} - ${answered ? 0 : 1}`,
      })
      .where(and(eq(allowanceDays.userId, settled.userId), eq(allowanceDays.day, settled.day)));
  };

  return {
    reserve: (request) =>
      db.transaction(async (tx) => {
        const day = houseDay(now());
        const [house] = await tx
          .insert(houseDays)
          .values({ day })
          .onConflictDoUpdate({ target: houseDays.day, set: { day } })
          .returning();
        const [mine] = await tx
          .insert(allowanceDays)
          .values({ userId: request.userId, day })
          .onConflictDoUpdate({ target: [allowanceDays.userId, allowanceDays.day], set: { day } })
          .returning();
        if (house === undefined || mine === undefined) throw new Error('an upsert returned no row');

        if (mine.turns >= limits.turnsPerDay) return { ok: false, reason: 'turns-used' };
        const userLeft = limits.microsPerDay - mine.spentMicros - mine.reservedMicros;
        const houseLeft = limits.houseMicrosPerDay - house.spentMicros - house.reservedMicros;
        const maxOutputTokens = affordableOutput(request, Math.min(userLeft, houseLeft));
        if (maxOutputTokens < Math.min(LEAST_OUTPUT_TOKENS, request.maxOutputTokens)) {
          return { ok: false, reason: userLeft <= houseLeft ? 'money-used' : 'house-used' };
        }

        const amountMicros = request.inputMicros + outputMicros(request, maxOutputTokens);
        await tx
          .update(houseDays)
          .set({ reservedMicros: sql`${houseDays.reservedMicros} + ${amountMicros}` })
          .where(eq(houseDays.day, day));
        await tx
          .update(allowanceDays)
          .set({
            reservedMicros: sql`${allowanceDays.reservedMicros} + ${amountMicros}`,
            turns: sql`${allowanceDays.turns} + 1`,
          })
          .where(and(eq(allowanceDays.userId, request.userId), eq(allowanceDays.day, day)));
        await tx.insert(reservations).values({
          turnId: request.turnId,
          attempt: request.attempt,
          userId: request.userId,
          day,
          amountMicros,
        });
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
