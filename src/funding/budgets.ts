/** Budgets: whose they are, what is left of them, and movements that are no turn's. */

import type { Queryable } from '../db/client.ts';
import { type SQL, sql } from '../db/drizzle.ts';
import type { Window } from './windows.ts';

export interface Holder {
  readonly kind: 'house' | 'pool' | 'credit' | 'chat' | 'user' | 'member' | 'own';
  readonly id: string;
  /** Whose it is, where it is a person's: it is forgotten with them. */
  readonly userId: number | null;
}

export const HOUSE: Holder = { kind: 'house', id: '', userId: null };
/** What the house gives all together who are new. */
export const NEW_USERS: Holder = { kind: 'house', id: 'new', userId: null };
export const userHolder = (userId: number): Holder => ({ kind: 'user', id: `${userId}`, userId });
export const ownHolder = (userId: number): Holder => ({ kind: 'own', id: `${userId}`, userId });
/** A chat with all its threads or channels. */
export const chatHolder = (whole: {
  readonly platform: string;
  readonly wholeId: string;
}): Holder => ({
  kind: 'chat',
  id: `${whole.platform}:${whole.wholeId}`,
  userId: null,
});

export const poolHolder = (poolId: number): Holder => ({
  kind: 'pool',
  id: `${poolId}`,
  userId: null,
});
/** A member by the row of their membership, which outlasts /forget: so does what they have used. */
export const memberHolder = (poolId: number, memberId: number): Holder => ({
  kind: 'member',
  id: `${poolId}:${memberId}`,
  userId: null,
});

/** One holder's window. */
export interface Budget {
  readonly holder: Holder;
  readonly window: Window;
}

export interface BudgetState {
  readonly turns: number;
  readonly spentMicros: number;
  readonly reservedMicros: number;
  readonly grantedMicros: number;
}

const NOTHING: BudgetState = { turns: 0, spentMicros: 0, reservedMicros: 0, grantedMicros: 0 };

const rows = (budgets: readonly Budget[]): SQL => sql`
  jsonb_to_recordset(${JSON.stringify(
    budgets.map(({ holder, window }, nth) => ({
      nth,
      kind: holder.kind,
      holder: holder.id,
      user_id: holder.userId,
      period: window.period,
      starts: window.starts,
      ends: window.ends,
    })),
  )}::text::jsonb) as w (nth int, kind text, holder text, user_id bigint, period text,
                         starts timestamptz, ends timestamptz)`;

/** Makes the rows that are not there yet, in one order: whoever makes one too is waited for. */
export async function openWindows(db: Queryable, budgets: readonly Budget[]): Promise<void> {
  if (budgets.length === 0) return;
  await db.execute(sql`
    insert into budgets (holder_kind, holder_id, user_id, period, starts)
    select kind, holder, user_id, period, starts from ${rows(budgets)}
    order by kind, holder, period, starts
    on conflict do nothing`);
}

/** What was used of budgets, in the order in which they were asked for; of two windows the newest. */
export async function budgetStates(
  db: Queryable,
  budgets: readonly Budget[],
): Promise<readonly BudgetState[]> {
  if (budgets.length === 0) return [];
  const found = await db.execute<{
    nth: number;
    turns: number;
    spent: number;
    reserved: number;
    granted: number;
  }>(sql`
    select distinct on (w.nth) w.nth, b.turns, b.spent_micros as spent,
           b.reserved_micros as reserved, b.granted_micros as granted
    from ${rows(budgets)} join budgets b on b.holder_kind = w.kind and b.holder_id = w.holder
      and b.period = w.period and b.starts in (w.starts, w.ends)
    order by w.nth, b.starts desc`);
  const states = new Map(
    found.map((row) => [
      row.nth,
      {
        turns: row.turns,
        spentMicros: row.spent,
        reservedMicros: row.reserved,
        grantedMicros: row.granted,
      },
    ]),
  );
  return budgets.map((_, nth) => states.get(nth) ?? NOTHING);
}

/** Puts money into a budget whose limit is what was granted. @param reason a word for the books */
export async function grant(
  tx: Queryable,
  budget: Budget,
  micros: number,
  reason: string,
): Promise<void> {
  await openWindows(tx, [budget]);
  await tx.execute(sql`
    with granted as (
      update budgets set granted_micros = granted_micros + ${micros}::bigint
      where ${isBudget(budget)} returning id
    )
    insert into budget_entries (budget_id, kind, micros, reason)
    select id, 'grant', ${micros}::bigint, ${reason} from granted`);
}

/** Changes what counts as used of a budget: never below nothing. @param reason a word for the books */
export async function adjust(
  tx: Queryable,
  budget: Budget,
  { turns, micros }: { readonly turns: number; readonly micros: number },
  reason: string,
): Promise<void> {
  await openWindows(tx, [budget]);
  await tx.execute(sql`
    with old as materialized (
      select id, turns, spent_micros from budgets where ${isBudget(budget)} for no key update
    ), changed as (
      update budgets b set turns = greatest(0, b.turns + ${turns}::int),
             spent_micros = greatest(0, b.spent_micros + ${micros}::bigint)
      from old where b.id = old.id returning b.id, b.turns, b.spent_micros
    )
    insert into budget_entries (budget_id, kind, turns, micros, reason)
    select c.id, 'adjust', c.turns - o.turns, c.spent_micros - o.spent_micros, ${reason}
    from changed c join old o on o.id = c.id`);
}

function isBudget({ holder, window }: Budget): SQL {
  return sql`holder_kind = ${holder.kind} and holder_id = ${holder.id}
    and period = ${window.period} and starts = ${window.starts.toISOString()}::timestamptz`;
}

/**
 * A holder got another name. Where both have a window, what the old one has used counts in the new
 * one, what is set aside in it as if it were spent: that stays where it is until it is settled.
 */
export async function moveBudgets(tx: Queryable, from: Holder, to: Holder): Promise<void> {
  const next = sql`next.holder_kind = ${to.kind} and next.holder_id = ${to.id}
    and next.period = old.period and next.starts = old.starts`;
  await tx.execute(sql`
    with locked as materialized (
      select * from budgets where (holder_kind, holder_id) in ((${from.kind}, ${from.id}), (${to.kind}, ${to.id}))
      order by id for no key update
    ), joined as (
      update budgets next set turns = next.turns + old.turns,
             spent_micros = next.spent_micros + old.spent_micros + old.reserved_micros
      from locked old
      where old.holder_kind = ${from.kind} and old.holder_id = ${from.id} and ${next}
      returning next.id, old.id as old, old.turns, old.spent_micros + old.reserved_micros as micros
    ), entries as (
      insert into budget_entries (budget_id, kind, turns, micros, reason)
      select id, 'adjust', turns, micros, 'moved' from joined
    )
    update budgets b set holder_id = case when joined.old is null then ${to.id}
                                          else ${to.id} || '#' || b.id end
    from locked left join joined on joined.old = locked.id
    where b.id = locked.id and b.holder_kind = ${from.kind} and b.holder_id = ${from.id}`);
}
