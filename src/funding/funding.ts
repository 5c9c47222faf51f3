/** What it is to pay for a turn, and the keys that users have for it. `payers.ts` decides who does. */

import type { ChatRules } from '../chat/chat-rules.ts';
import type { ChatAddress } from '../chat/message.ts';
import type { Database } from '../db/client.ts';
import { eq, exists, sql } from '../db/drizzle.ts';
import { apiKeys as apiKeyRows, ownLimits, users } from '../db/schema.ts';
import { builtOnce } from '../db/statement.ts';
import { isRingIncomplete } from '../keys/afresh.ts';
import type { ApiKeys, KeyRefusal, KeyState, ListedKey } from '../keys/api-keys.ts';
import { VaultError } from '../keys/vault.ts';
import { defaultModel, isProviderId } from '../llm/catalogue.ts';
import type { ProviderError, ProviderId } from '../llm/provider.ts';
import type { Secret } from '../secret.ts';
import type { Outcome } from '../text/outcomes.ts';
import type { PoolFacts } from '../text/pool-funding.ts';
import type { Cap, FundingKind, Payer } from './ledger.ts';
import type { OwnLimits } from './own-limit.ts';
import type { Rate } from './rates.ts';

/** Who pays for a turn, with what, and how far. */
export interface Funding extends Payer {
  readonly provider: ProviderId;
  readonly apiKey: Secret;
  /** The budgets that the turn counts in. */
  readonly caps: readonly Cap<Outcome>[];
  /** How fast it may be asked. */
  readonly rates?: readonly Rate[];
  /** Where it is used up, the next in the user's order may pay. */
  readonly passesOver: boolean;
  /** Told where its model has no price and it has a limit. */
  readonly unpriced: Outcome;
  /** Asked once, right before the reservation. @returns why it can't pay just now */
  admit(): Outcome | undefined;
  /** Hears how a call ended; `error` is absent where it answered. */
  ended(turnId: number, error?: ProviderError): Promise<KeyRefusal | undefined>;
  /** Hears that what a turn did cost is in the books. */
  settled?(house: HouseSpent): Promise<void>;
  /** Hears that a turn can't be paid from its budgets. */
  refused?(outcome: Outcome): Promise<void>;
  /** One line of what an answer cost and what is left. */
  costNote(cost: AnswerCost): Promise<string>;
  /** What the user calls it, where there are several of its kind. */
  readonly name?: string;
  /** Set where whoever pays has a say in how it is moderated. */
  readonly moderation?: 'off' | 'on' | 'required';
  readonly pool?: PoolFacts;
  /** Told when it pays for the first time, or again after another did, whoever reads along. */
  readonly remark?: string;
  /**
   * Why the next in the order pays instead, where that is to be told.
   * @param againAt when this one would pay, where that is known
   */
  passedOver?(outcome: Outcome, againAt?: Date): string | undefined;
}

/** What everybody together has spent of a day of the house's. */
export interface HouseSpent {
  readonly spentMicros: number;
  /** When that day began. */
  readonly starts: Date;
}

export interface AnswerCost {
  /** Null: unknown, or nothing. */
  readonly costMicros: number | null;
  /** Counted at a price that the operator assumes. */
  readonly assumed: boolean;
  /** What is set aside for it while the note is made. */
  readonly reservedMicros: number;
}

export interface TurnToPay {
  readonly userId: number;
  /** Absent where it is only asked who would pay. */
  readonly turn?: {
    readonly turnId: number;
    readonly chat: ChatAddress;
    readonly rules: ChatRules;
    /** The others have nothing to pay with, and are not asked. */
    readonly has: ReadonlySet<FundingKind>;
  };
}

export type Offer =
  | { readonly offer: 'pays'; readonly funding: Funding }
  /** The user has nothing of this kind. */
  | { readonly offer: 'absent' }
  | {
      readonly offer: 'refused';
      readonly outcome: Outcome;
      /** Whether the next in the user's order may pay instead. */
      readonly passesOver: boolean;
      /** Whose key it is about. */
      readonly provider?: ProviderId;
      /** Told where another pays instead, who did not before. */
      readonly note?: string;
    };

/** One way to pay. */
export interface FundingSource {
  readonly kind: FundingKind;
  /**
   * What it would do for a turn, or for the next one, in this order; without any effect. One after
   * another where each has to be looked up.
   */
  offer(turn: TurnToPay): Promise<Offer | readonly Offer[]> | AsyncIterable<Offer>;
}

/** One after another, however the source looks them up. */
export async function* offersOf(source: FundingSource, turn: TurnToPay): AsyncGenerator<Offer> {
  const offered = source.offer(turn);
  if (Symbol.asyncIterator in offered) yield* offered;
  else yield* [await offered].flat();
}

export interface House {
  readonly provider: ProviderId;
  readonly model: string;
  readonly apiKey: Secret;
}

export interface FundingParts {
  readonly db: Database;
  readonly apiKeys: ApiKeys;
  readonly house: House;
}

/**
 * Which of a user's keys answers: the chosen one, or else the newest; never a refused one.
 * @param keys oldest first
 */
function answeringKey<T extends Pick<ListedKey, 'provider' | 'state'>>(
  keys: readonly T[],
  chosen: string | undefined,
): T | undefined {
  const usable = keys.filter(({ state }) => state !== 'refused');
  return usable.find(({ provider }) => provider === chosen) ?? usable.at(-1);
}

export interface OwnKeys {
  /** Oldest first. */
  readonly keys: readonly ListedKey[];
  readonly answering: ListedKey | undefined;
  /** What the user chose. */
  readonly chosen: { readonly provider: string | null; readonly model: string | null };
  readonly limits: OwnLimits;
}

/** A user's keys, without opening any. */
export async function readOwnKeys(
  { db, apiKeys }: Pick<FundingParts, 'db' | 'apiKeys'>,
  userId: number,
): Promise<OwnKeys> {
  const [user] = await db
    .select({
      provider: users.provider,
      model: users.model,
      hasKeys: exists(
        db.select({ id: apiKeyRows.id }).from(apiKeyRows).where(eq(apiKeyRows.userId, userId)),
      ),
      dayLimitMicros: ownLimits.dayLimitMicros,
      monthLimitMicros: ownLimits.monthLimitMicros,
    })
    .from(users)
    .leftJoin(ownLimits, eq(ownLimits.userId, users.id))
    .where(eq(users.id, userId));
  const keys = user?.hasKeys ? await apiKeys.list(userId) : [];
  return {
    keys,
    answering: answeringKey(keys, user?.provider ?? undefined),
    chosen: { provider: user?.provider ?? null, model: user?.model ?? null },
    limits: {
      dayLimitMicros: user?.dayLimitMicros ?? null,
      monthLimitMicros: user?.monthLimitMicros ?? null,
    },
  };
}

export type OwnKey =
  | {
      readonly found: 'key';
      readonly provider: ProviderId;
      readonly model: string;
      readonly apiKey: Secret;
      readonly keyVersion: number;
      readonly limits: OwnLimits;
    }
  | { readonly found: 'nothing' }
  /** What is kept of the key that answers does not open: damaged, or the ring has lost its KEK. */
  | { readonly found: 'unreadable' | 'sealed'; readonly provider: ProviderId }
  | {
      readonly found: 'refused';
      readonly provider: ProviderId;
      /** The turns that tell, or told, the user of it. */
      readonly refusedByTurns: readonly number[];
    };

interface OwnRow {
  readonly chosenProvider: string | null;
  readonly chosenModel: string | null;
  readonly dayLimitMicros: number | null;
  readonly monthLimitMicros: number | null;
  readonly provider: string | null;
  readonly version: number;
  readonly state: KeyState;
  readonly ownerId: number | null;
  readonly sealed: Uint8Array;
  readonly refusedByTurn: number | null;
}

/** A row for each key, the oldest first; one without a key where there is none. */
const OWN = builtOnce<{ readonly userId: number; readonly at: string }, OwnRow>(
  (place) => sql`
    select u.provider as "chosenProvider", u.model as "chosenModel",
           l.day_limit_micros as "dayLimitMicros", l.month_limit_micros as "monthLimitMicros",
           k.provider, k.version, k.state, k.owner_id as "ownerId", k.sealed,
           k.refused_by_turn as "refusedByTurn"
    from users u left join own_limits l on l.user_id = u.id
    left join api_keys k on k.user_id = u.id
      and (k.expires_at is null or k.expires_at > ${place('at')}::timestamptz)
    where u.id = ${place('userId')} order by k.created_at, k.id`,
);

/** The key of the user's own that answers, opened, or why none does. */
export async function readOwnKey(
  { db, apiKeys }: Pick<FundingParts, 'db' | 'apiKeys'>,
  userId: number,
  now = new Date(),
): Promise<OwnKey> {
  const rows = await OWN(db, { userId, at: now.toISOString() });
  const keys = rows.flatMap(({ provider, ...row }) =>
    provider !== null && isProviderId(provider) ? [{ ...row, provider }] : [],
  );
  const newest = keys.at(-1);
  if (newest === undefined) return { found: 'nothing' };
  const { chosenProvider, chosenModel, dayLimitMicros, monthLimitMicros } = newest;
  const answering = answeringKey(keys, chosenProvider ?? undefined);
  if (answering === undefined) {
    const refusedByTurns = keys.flatMap((k) => (k.refusedByTurn === null ? [] : [k.refusedByTurn]));
    return { found: 'refused', provider: newest.provider, refusedByTurns };
  }
  const { provider, version } = answering;
  try {
    return {
      found: 'key',
      provider,
      model: (provider === chosenProvider ? chosenModel : null) ?? defaultModel(provider),
      apiKey: await apiKeys.open(userId, answering),
      keyVersion: version,
      limits: { dayLimitMicros, monthLimitMicros },
    };
  } catch (error) {
    // It is its owner's to replace; the house does not pay instead, and nobody is asked.
    if (isRingIncomplete(error)) return { found: 'sealed', provider };
    if (error instanceof VaultError) return { found: 'unreadable', provider };
    throw error;
  }
}
