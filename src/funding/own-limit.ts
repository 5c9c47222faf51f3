/**
 * A user's own limit on what their own keys together spend: reserved before the provider is asked,
 * settled with what was really used. All of a user's reservations wait for the lock of one row.
 */

import type { Database, Queryable } from '../db/client.ts';
import { eq, type SQL, sql } from '../db/drizzle.ts';
import { ownLimits } from '../db/schema.ts';
import { affordableOutput, LEAST_OUTPUT_TOKENS, type OutputCost, outputMicros } from './clamp.ts';
import { houseDay, houseMonth, nextHouseDay, nextHouseMonth } from './money.ts';

export type LimitPeriod = 'day' | 'month';

export interface OwnReservationRequest extends OutputCost {
  readonly turnId: number;
  readonly attempt: number;
  readonly userId: number;
}

export type OwnLimitRefusal = 'own-day-limit' | 'own-month-limit' | 'own-price-unknown';

export type OwnReservationResult =
  | { readonly ok: true; readonly maxOutputTokens: number; readonly amountMicros: number }
  | { readonly ok: false; readonly reason: OwnLimitRefusal | 'taken-over' };

export interface LimitState {
  readonly period: LimitPeriod;
  readonly limitMicros: number;
  /** Spent and reserved. */
  readonly usedMicros: number;
  readonly resetsAt: Date;
}

export interface OwnSettlement {
  readonly turnId: number;
  readonly attempt: number;
  readonly userId: number;
  readonly spentMicros: number;
}

export interface OwnLimit {
  /**
   * Reserves the most that the turn can cost where the user has set a limit.
   * @param cost undefined: the model's price is unknown, and so no limit can be kept with it
   */
  reserve(
    turn: { readonly turnId: number; readonly attempt: number; readonly userId: number },
    maxOutputTokens: number,
    cost: Omit<OutputCost, 'maxOutputTokens'> | undefined,
  ): Promise<OwnReservationResult>;
  /**
   * Counts what an attempt has cost its user's own key. Twice changes nothing where it was reserved.
   * See `Allowance.settlement`.
   */
  settlement(settlement: OwnSettlement, given: 'stored'): SQL;
  /** As `Allowance.settleLost`. */
  settleLost(
    turn: { readonly turnId: number; readonly attempt: number },
    providerWasAsked: boolean,
  ): Promise<void>;
  /** The limits that are set, the day's first. */
  state(userId: number): Promise<readonly LimitState[]>;
  /** @param limitMicros more than nothing; counts what the period's turns have cost so far */
  set(userId: number, period: LimitPeriod, limitMicros: number): Promise<void>;
  /** Takes both limits off. @returns whether there was one */
  clear(userId: number): Promise<boolean>;
}

export function createOwnLimit({
  db,
  now = () => new Date(),
}: {
  readonly db: Database;
  readonly now?: () => Date;
}): OwnLimit {
  /** Turns the row's day and month to the present, never back, and keeps it locked. */
  async function lockRow(tx: Queryable, userId: number) {
    const [day, month] = [houseDay(now()), houseMonth(now())];
    const [row] = await tx.execute<{
      day: string;
      day_limit: number | null;
      month_limit: number | null;
      day_used: number;
      month_used: number;
    }>(sql`
      update own_limits set ${turnedTo(sql`${day}::date`, sql`${month}::date`)}
      where user_id = ${userId} and (day_limit_micros is not null or month_limit_micros is not null)
      returning day::text as day, day_limit_micros as day_limit, month_limit_micros as month_limit,
                day_spent_micros + day_reserved_micros as day_used,
                month_spent_micros + month_reserved_micros as month_used`);
    return row;
  }

  const settlement = (
    { turnId, attempt, userId, spentMicros }: OwnSettlement,
    given?: 'stored',
  ): SQL => {
    const today = houseDay(now());
    const isGiven = given === undefined ? sql`true` : sql`exists (select from ${sql.raw(given)})`;
    // Without a reservation (no limit was set when it began) it counts for today. A reservation
    // that was settled before is found, and then nothing is counted.
    return sql`
      mine as (
        select settled_at from own_reservations where turn_id = ${turnId} and attempt = ${attempt}
      ), settled as (
        update own_reservations set settled_at = ${now().toISOString()}::timestamptz
        where turn_id = ${turnId} and attempt = ${attempt} and settled_at is null and ${isGiven}
        returning day, amount_micros
      ), charge as (
        select day, amount_micros as reserved, ${spentMicros}::bigint as spent from settled
        union all
        select ${today}::date, 0, ${spentMicros}::bigint
        where not exists (select from mine) and ${isGiven}
      ), counted as (
        update own_limits l set
          day = greatest(l.day, c.day),
          day_reserved_micros = case when c.day = l.day then l.day_reserved_micros - c.reserved
                                     when c.day > l.day then 0 else l.day_reserved_micros end,
          day_spent_micros = case when c.day = l.day then l.day_spent_micros + c.spent
                                  when c.day > l.day then c.spent else l.day_spent_micros end,
          month = greatest(l.month, date_trunc('month', c.day)::date),
          month_reserved_micros = case
            when date_trunc('month', c.day)::date = l.month then l.month_reserved_micros - c.reserved
            when c.day > l.month then 0 else l.month_reserved_micros end,
          month_spent_micros = case
            when date_trunc('month', c.day)::date = l.month then l.month_spent_micros + c.spent
            when c.day > l.month then c.spent else l.month_spent_micros end
        from charge c where l.user_id = ${userId}
      )`;
  };

  return {
    reserve: ({ turnId, attempt, userId }, maxOutputTokens, cost) =>
      db.transaction(async (tx) => {
        const held = await lockRow(tx, userId);
        if (held === undefined) return { ok: true, maxOutputTokens, amountMicros: 0 };
        if (cost === undefined) return { ok: false, reason: 'own-price-unknown' };
        const request = { ...cost, maxOutputTokens };
        const dayLeft = (held.day_limit ?? Number.POSITIVE_INFINITY) - held.day_used;
        const monthLeft = (held.month_limit ?? Number.POSITIVE_INFINITY) - held.month_used;
        const affordable = affordableOutput(request, Math.min(dayLeft, monthLeft));
        if (affordable < Math.min(LEAST_OUTPUT_TOKENS, maxOutputTokens)) {
          // Told by what comes back last: with a used-up month the next day is no help.
          const month = affordableOutput(request, monthLeft);
          const usedUp = month < Math.min(LEAST_OUTPUT_TOKENS, maxOutputTokens);
          return { ok: false, reason: usedUp ? 'own-month-limit' : 'own-day-limit' };
        }
        const amountMicros = request.inputMicros + outputMicros(request, affordable);
        const reserved = await tx.execute(sql`
          with held as (
            select id from turns
            where id = ${turnId} and attempt = ${attempt} and status = 'running' for share
          ), mine as (
            update own_limits set day_reserved_micros = day_reserved_micros + ${amountMicros}::bigint,
                   month_reserved_micros = month_reserved_micros + ${amountMicros}::bigint
            where user_id = ${userId} and exists (select from held)
          )
          insert into own_reservations (turn_id, attempt, user_id, day, amount_micros)
          select id, ${attempt}::int, ${userId}::bigint, ${held.day}::date, ${amountMicros}::bigint
          from held returning turn_id`);
        if (reserved.length === 0) return { ok: false, reason: 'taken-over' };
        return { ok: true, maxOutputTokens: affordable, amountMicros };
      }),

    settlement,

    async settleLost({ turnId, attempt }, providerWasAsked) {
      await db.transaction(async (tx) => {
        const lost = await tx.execute<{ attempt: number; user_id: number; amount: number }>(sql`
          select attempt, user_id, amount_micros as amount from own_reservations
          where turn_id = ${turnId} and attempt < ${attempt} and settled_at is null for update`);
        for (const row of lost) {
          const lostAttempt = settlement({
            turnId,
            attempt: row.attempt,
            userId: row.user_id,
            spentMicros: providerWasAsked ? row.amount : 0,
          });
          await tx.execute(sql`with ${lostAttempt} select from settled`);
        }
      });
    },

    async state(userId) {
      const [row] = await db.select().from(ownLimits).where(eq(ownLimits.userId, userId));
      if (row === undefined) return [];
      const at = now();
      const states: LimitState[] = [];
      if (row.dayLimitMicros !== null) {
        const used = row.day >= houseDay(at) ? row.daySpentMicros + row.dayReservedMicros : 0;
        states.push({
          period: 'day',
          limitMicros: row.dayLimitMicros,
          usedMicros: used,
          resetsAt: nextHouseDay(at),
        });
      }
      if (row.monthLimitMicros !== null) {
        const isNow = row.month >= houseMonth(at);
        states.push({
          period: 'month',
          limitMicros: row.monthLimitMicros,
          usedMicros: isNow ? row.monthSpentMicros + row.monthReservedMicros : 0,
          resetsAt: nextHouseMonth(at),
        });
      }
      return states;
    },

    async set(userId, period, limitMicros) {
      const [day, month] = [houseDay(now()), houseMonth(now())];
      const spentSince = (since: string) => sql`
        (select coalesce(sum(cost_micros), 0) from turns
         where user_id = ${userId} and funding = 'own'
           and answered_at >= ${`${since}T00:00:00Z`}::timestamptz)`;
      const column = sql.raw(period === 'day' ? 'day_limit_micros' : 'month_limit_micros');
      // What the turns have cost counts where nothing was counted yet.
      await db.execute(sql`
        insert into own_limits (user_id, day, month, ${column}, day_spent_micros, month_spent_micros)
        values (${userId}, ${day}::date, ${month}::date, ${limitMicros}::bigint,
                ${spentSince(day)}, ${spentSince(month)})
        on conflict (user_id) do update set ${column} = excluded.${column}`);
    },

    async clear(userId) {
      // The row stays and goes on counting: a limit that is set again the same day knows the sum.
      const cleared = await db.execute(sql`
        update own_limits set day_limit_micros = null, month_limit_micros = null
        where user_id = ${userId} and (day_limit_micros is not null or month_limit_micros is not null)
        returning user_id`);
      return cleared.length > 0;
    },
  };
}

/** A later day or month begins at nothing. */
function turnedTo(day: ReturnType<typeof sql>, month: ReturnType<typeof sql>) {
  return sql`
    day = greatest(day, ${day}), month = greatest(month, ${month}),
    day_spent_micros = case when day < ${day} then 0 else day_spent_micros end,
    day_reserved_micros = case when day < ${day} then 0 else day_reserved_micros end,
    month_spent_micros = case when month < ${month} then 0 else month_spent_micros end,
    month_reserved_micros = case when month < ${month} then 0 else month_reserved_micros end`;
}
