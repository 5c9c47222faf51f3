/**
 * The ledger: what a turn can cost at most is set aside before its provider is asked, in every budget
 * that it counts in, and settled with what it did cost. Whoever locks rows takes them in this order:
 * turn, reservation, budgets by their ids.
 */

import type { Database, Queryable } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';
import { builtOnce } from '../db/statement.ts';
import { type Budget, openWindows } from './budgets.ts';
import type { FundingKind } from './funding-kind.ts';
import { holdRates, type Rate, rateWaitMs, sharedRates } from './rates.ts';
import { type DatedSettlement, type Settlement, settleMany } from './settlement.ts';

export type { FundingKind };

export interface Payer {
  readonly kind: FundingKind;
  /** Which pool, or which credit. */
  readonly id: number | null;
  readonly provider: string;
  readonly model: string;
}

/** One budget that a turn counts in, and how far that may go. */
export interface Cap<Code extends string = string> extends Budget {
  /** Null: it is counted, without a limit. `granted`: what was put in (`grant`). */
  readonly limitMicros: number | null | 'granted';
  readonly turnsLimit: number | null;
  /** `answered`: it pays for nothing where nothing was answered; `spent`: always what it cost. */
  readonly charge: 'spent' | 'answered';
  /** What the turn is refused with. */
  readonly refusals: { readonly turns: Code; readonly money: Code };
}

export interface ReserveRequest<Code extends string> {
  readonly turnId: number;
  readonly attempt: number;
  readonly userId: number;
  readonly payer: Payer;
  /** From above, in tokens. */
  readonly inputTokens: number;
  /** The most output wanted, in tokens. */
  readonly maxOutputTokens: number;
  /** Undefined: the model's price is unknown, so that nothing can be set aside, and no limit be kept. */
  readonly cost: CallCost | undefined;
  /** Of several that refuse, the one is told that comes back last; of equals, the first here. */
  readonly caps: readonly Cap<Code>[];
  readonly rates?: readonly Rate[];
}

export interface CallCost {
  /** The most that the input can cost, in micros. */
  readonly inputMicros: number;
  /** Micros a million output tokens. */
  readonly outputMicrosPerMillion: number;
}

export type Reserved<Code extends string> =
  | { readonly ok: true; readonly maxOutputTokens: number; readonly amountMicros: number }
  | { readonly ok: false; readonly reason: Code }
  | { readonly ok: false; readonly reason: 'taken-over' | 'price-unknown' }
  | { readonly ok: false; readonly reason: 'over-rate'; readonly waitMs: number };

export interface Ledger {
  /**
   * Sets the most that the turn can cost aside in all its budgets, clamps the output to what the
   * least of them still pays for, and records on the turn who pays and that its provider is about
   * to be asked; or says which budget is used up. One statement, so that rows that are many turns'
   * are held for no longer than that; three where a window is new, and more where a rate is set.
   */
  reserve<Code extends string>(request: ReserveRequest<Code>): Promise<Reserved<Code>>;
  /**
   * Replaces the attempt's reservation with what it cost, never more than was set aside: that is the
   * most that the call can cost, whatever a provider says it used. Twice changes nothing.
   * @returns what takes effect with the answer, when that is stored
   */
  settlement(settlement: Settlement): DatedSettlement;
  /**
   * Settles what attempts before this one left behind when their worker died: at the whole
   * reservation where the provider may have been asked, since nobody knows what was used.
   */
  settleLost(
    turn: { readonly turnId: number; readonly attempt: number },
    providerWasAsked: boolean,
  ): Promise<void>;
}

interface ReservedRow {
  readonly held: boolean;
  readonly opened: number;
  readonly output: number;
  readonly amount: number;
  readonly nth: number | null;
  readonly what: 'turns' | 'money' | null;
}

/** A turn that could say less than this is refused instead, in tokens. */
const LEAST_OUTPUT_TOKENS = 256;

/** What {@link RESERVE} is run with. */
type ReserveValues = ReturnType<typeof valuesOf>;

function valuesOf(request: ReserveRequest<string>, at: Date) {
  const { payer, cost, maxOutputTokens } = request;
  const caps = request.caps.map((cap, nth) => ({
    nth,
    kind: cap.holder.kind,
    holder: cap.holder.id,
    period: cap.window.period,
    starts: cap.window.starts,
    ends: cap.window.ends,
    micros: typeof cap.limitMicros === 'number' ? cap.limitMicros : null,
    granted: cap.limitMicros === 'granted',
    turns: cap.turnsLimit,
    answered: cap.charge === 'answered',
  }));
  return {
    turnId: request.turnId,
    attempt: request.attempt,
    userId: request.userId,
    kind: payer.kind,
    payerId: payer.id,
    provider: payer.provider,
    model: payer.model,
    caps: JSON.stringify(caps),
    capCount: caps.length,
    inputMicros: cost?.inputMicros ?? 0,
    outputRate: cost?.outputMicrosPerMillion ?? 0,
    inputTokens: request.inputTokens,
    most: maxOutputTokens,
    least: Math.min(LEAST_OUTPUT_TOKENS, maxOutputTokens),
    at: at.toISOString(),
  };
}

/** A clock that is behind counts in the window that has begun elsewhere: the newest of two. */
const RESERVE = builtOnce<ReserveValues, ReservedRow>((place) => {
  const input = sql`${place('inputMicros')}::bigint`;
  const rate = sql`${place('outputRate')}::numeric`;
  const least = sql`${place('least')}::bigint`;
  const most = sql`${place('most')}::bigint`;
  return sql`
    with held as materialized (
    select id from turns where id = ${place('turnId')} and attempt = ${place('attempt')} and status = 'running'
    for no key update
  ), wanted as materialized (
    select * from jsonb_to_recordset(${place('caps')}::text::jsonb) as w (
      nth int, kind text, holder text, period text, starts timestamptz, ends timestamptz,
      micros bigint, granted boolean, turns int, answered boolean)
  ), locked as materialized (
    select w.nth, w.ends, w.turns as turns_limit, w.answered, b.id, b.starts, b.turns,
           case when w.granted then b.granted_micros else w.micros end
             - b.spent_micros - b.reserved_micros as left_micros
    from wanted w join budgets b on b.holder_kind = w.kind and b.holder_id = w.holder
      and b.period = w.period and b.starts in (w.starts, w.ends)
    where exists (select from held)
    order by b.id for no key update of b
  ), counted as (
    select distinct on (nth) * from locked order by nth, starts desc
  ), refused as (
    -- Told by what comes back last: with a used-up month the next day is no help.
    select nth, case when turns >= turns_limit then 'turns' else 'money' end as what
    from counted
    where turns >= turns_limit
       or left_micros < ${input}
       or (left_micros - ${input})::numeric * 1000000 < ${least} * ${rate}
    order by ends desc nulls first, nth limit 1
  ), clamped as (
    -- How many output tokens what is left pays for after the input; least() passes over null.
    select case when ${rate} = 0 then ${most}
      else least(${most}, floor((min(left_micros) - ${input})::numeric * 1000000 / ${rate}))::bigint
      end as output, count(*)::int as opened
    from counted
  ), offer as (
    -- Rounded up, so that what is reserved covers whatever is used.
    select output, opened, ${input} + ceil(output * ${rate} / 1000000)::bigint as amount
    from clamped
  ), granted as (
    select held.id, offer.* from held, offer
    where opened = ${place('capCount')}::int and not exists (select from refused)
  ), called as (
    update turns t set called_at = now(), funding = ${place('kind')}::text, funding_id = ${place('payerId')}::bigint,
           provider = ${place('provider')}, model = ${place('model')}
    from granted where t.id = granted.id
  ), charged as (
    update budgets b set reserved_micros = b.reserved_micros + granted.amount, turns = b.turns + 1
    from granted, counted where b.id = counted.id
  ), reserved as (
    insert into reservations (turn_id, attempt, user_id, funding, funding_id, provider, model,
                              amount_micros, tokens, at, spent_budgets, answered_budgets)
    select id, ${place('attempt')}::int, ${place('userId')}::bigint, ${place('kind')}::text, ${place('payerId')}::bigint,
           ${place('provider')}::text, ${place('model')}::text, amount, ${place('inputTokens')}::bigint + output,
           ${place('at')}::timestamptz,
           array(select id from counted where not answered order by id),
           array(select id from counted where answered order by id)
    from granted
  )
  select exists (select from held) as held, opened, output, amount, r.nth, r.what
  from offer left join refused r on true`;
});

export function createLedger({
  db,
  now = () => new Date(),
}: {
  readonly db: Database;
  readonly now?: () => Date;
}): Ledger {
  /** @returns undefined where a window has no row yet */
  async function tryReserve<Code extends string>(
    on: Queryable,
    request: ReserveRequest<Code>,
  ): Promise<Reserved<Code> | undefined> {
    const [row] = await RESERVE(on, valuesOf(request, now()));
    if (row?.held !== true) return { ok: false, reason: 'taken-over' };
    if (row.opened < request.caps.length) return undefined;
    const cap = row.nth === null ? undefined : request.caps[row.nth];
    if (cap !== undefined && row.what !== null) {
      return { ok: false, reason: cap.refusals[row.what] };
    }
    return { ok: true, maxOutputTokens: row.output, amountMicros: row.amount };
  }

  /** Nobody who is counted in the same rates reserves between the count and the reservation. */
  async function tryWithin<Code extends string>(
    request: ReserveRequest<Code>,
  ): Promise<Reserved<Code> | undefined> {
    const { rates = [], inputTokens, maxOutputTokens } = request;
    if (rates.length === 0) return tryReserve(db, request);
    const attempt = async (on: Queryable) => {
      const waitMs = await rateWaitMs(on, rates, inputTokens + maxOutputTokens, now());
      if (waitMs > 0) return { ok: false, reason: 'over-rate', waitMs } as const;
      return tryReserve(on, request);
    };
    if (sharedRates(rates).length === 0) return attempt(db);
    return db.transaction(async (tx) => {
      await holdRates(tx, rates);
      return attempt(tx);
    });
  }

  return {
    async reserve(request) {
      if (request.cost === undefined && request.caps.some((cap) => cap.limitMicros !== null)) {
        return { ok: false, reason: 'price-unknown' };
      }
      const reserved = await tryWithin(request);
      if (reserved !== undefined) return reserved;
      await openWindows(db, request.caps);
      const again = await tryWithin(request);
      if (again === undefined) throw new Error('an insert made no row');
      return again;
    },

    settlement: ({ tokens = null, ...what }) => ({ ...what, tokens, at: now().toISOString() }),

    async settleLost({ turnId, attempt }, providerWasAsked) {
      const lost = sql`r.turn_id = ${turnId} and r.attempt < ${attempt}`;
      const micros = providerWasAsked ? sql`r.amount_micros` : sql`0`;
      await db.execute(sql`
        with ${settleMany(lost, { micros, answered: sql`false` }, sql`${now().toISOString()}::timestamptz`)}
        select from settled`);
    },
  };
}
