/** The statements by which an answer is stored, alone or with the settlement of what it cost. */

import { sql } from '../db/drizzle.ts';
import { builtOnce, type Place } from '../db/statement.ts';
import { HOUSE } from '../funding/budgets.ts';
import { type DatedSettlement, settleStored } from '../funding/settlement.ts';
import type { Outcome } from '../text/outcomes.ts';

interface StoreValues {
  readonly turnId: number;
  readonly attempt: number;
  readonly answer: Uint8Array | null;
  readonly outcome: Outcome | null;
  readonly costNote: string | null;
  readonly inputTokens: number | null;
  readonly cachedInputTokens: number | null;
  readonly outputTokens: number | null;
  readonly costMicros: number | null;
  readonly priceAssumed: boolean;
}

interface StoredRow {
  readonly houseMicros?: number | null;
  /** In milliseconds since 1970. */
  readonly houseStarts?: number | null;
}

const storing = (place: Place<StoreValues>) => sql`
  stored as (
    update turns set answered_at = now(), answer = ${place('answer')}::bytea,
           outcome = ${place('outcome')}, cost_note = ${place('costNote')}::text,
           input_tokens = ${place('inputTokens')}::bigint,
           cached_input_tokens = ${place('cachedInputTokens')}::bigint,
           output_tokens = ${place('outputTokens')}::bigint,
           cost_micros = ${place('costMicros')}::bigint,
           price_assumed = ${place('priceAssumed')}::boolean
    where id = ${place('turnId')} and attempt = ${place('attempt')} and status = 'running'
    returning id
  )`;

/** Without a row where the turn was taken over. */
export const STORE = builtOnce<StoreValues, StoredRow>(
  (place) => sql`with ${storing(place)} select id from stored`,
);

/** Gives back what is spent of the house's day by then, where the turn was settled in it. */
export const STORE_AND_SETTLE = builtOnce<StoreValues & DatedSettlement, StoredRow>(
  (place) => sql`
    with ${storing(place)}, ${settleStored(place)}
    select house.spent_micros as "houseMicros",
           floor(extract(epoch from house.starts) * 1000)::bigint as "houseStarts"
    from stored left join settled_budgets house
      on house.holder_kind = ${HOUSE.kind} and house.holder_id = ${HOUSE.id}`,
);
