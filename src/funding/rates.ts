/**
 * How fast the ledger may be asked: requests and tokens within any sixty seconds, counted on the
 * reservations themselves, so that there is one truth.
 */

import type { Queryable, Transaction } from '../db/client.ts';
import { type SQL, sql } from '../db/drizzle.ts';
import type { FundingKind } from './funding-kind.ts';
import type { MinuteLimit } from './plans-file.ts';

const MINUTE_MS = 60_000;

/** A turn that comes through within this time waits in its mailbox, in milliseconds. */
export const SHORT_WAIT_MS = 20_000;

/** Whose requests are counted, and how many of them a minute takes. */
export interface Rate extends MinuteLimit {
  readonly fundings: readonly FundingKind[];
  /** Of one pool, or of one credit. */
  readonly fundingId?: number;
  /** Of one user; in a pool, of one member. Absent: of all together. */
  readonly userId?: number;
  /** Of one model. */
  readonly model?: { readonly provider: string; readonly model: string };
}

/** What the house's key may be asked of one model, whoever's allowance or credit pays for it. */
export function houseModelRates(
  models: Readonly<Record<string, MinuteLimit>>,
  model: { readonly provider: string; readonly model: string },
): readonly Rate[] {
  const limit = models[`${model.provider}/${model.model}`];
  return limit === undefined ? [] : [{ fundings: ['house', 'credit'], model, ...limit }];
}

/**
 * How long a request has to wait until no rate is passed, in milliseconds; 0: not at all. One that is
 * larger than a whole minute's tokens waits until the minute before it is empty.
 * @param tokens of the request, from above
 */
export async function rateWaitMs(
  db: Queryable,
  rates: readonly Rate[],
  tokens: number,
  at: Date,
): Promise<number> {
  const waits = limiting(rates).map(
    (rate) => sql`
    select max(at) as at from (
      select at, row_number() over newest as nth,
             sum(tokens) over (newest rows unbounded preceding) as total
      from reservations
      where ${counts(rate)}
        and at > ${new Date(at.getTime() - MINUTE_MS).toISOString()}::timestamptz
      window newest as (order by at desc, turn_id desc, attempt desc)
    ) counted
    where nth >= ${rate.requestsPerMinute}::bigint
       or total + ${tokens}::bigint > ${rate.tokensPerMinute}::bigint`,
  );
  if (waits.length === 0) return 0;
  const [last] = await db.execute<{ at: number | null }>(sql`
    select floor(extract(epoch from max(at)) * 1000)::bigint as at
    from (${sql.join(waits, sql` union all `)}) w`);
  if (last === undefined || last.at === null) return 0;
  return Math.max(1, last.at + MINUTE_MS + 1 - at.getTime());
}

/**
 * Keeps other turns of the same rates away until the transaction ends: of two that count at the same
 * time, both would pass. One user's turns run one after another anyway.
 */
export async function holdRates(tx: Transaction, rates: readonly Rate[]): Promise<void> {
  for (const name of sharedRates(rates)) {
    await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`);
  }
}

/** The names of those that are counted for several users together, in the order of locking. */
export function sharedRates(rates: readonly Rate[]): readonly string[] {
  const names = limiting(rates)
    .filter(({ userId }) => userId === undefined)
    .map(
      ({ fundings, fundingId, model }) =>
        `rate ${fundings.join('+')} ${fundingId ?? ''} ${model === undefined ? '' : `${model.provider}/${model.model}`}`,
    );
  return [...new Set(names)].sort();
}

const limiting = (rates: readonly Rate[]) =>
  rates.filter((rate) => rate.requestsPerMinute !== null || rate.tokensPerMinute !== null);

function counts({ fundings, fundingId, userId, model }: Rate): SQL {
  const kinds = sql.join(
    fundings.map((kind) => sql`${kind}`),
    sql`, `,
  );
  return sql.join(
    [
      sql`funding in (${kinds})`,
      ...(fundingId === undefined ? [] : [sql`funding_id = ${fundingId}::bigint`]),
      ...(userId === undefined ? [] : [sql`user_id = ${userId}::bigint`]),
      ...(model === undefined
        ? []
        : [sql`provider = ${model.provider} and model = ${model.model}`]),
    ],
    sql` and `,
  );
}
