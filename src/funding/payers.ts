/** The one place that decides who pays for a turn: those who can, in the order that its user chose. */

import type { Database } from '../db/client.ts';
import { eq } from '../db/drizzle.ts';
import { users } from '../db/schema.ts';
import type { ProviderId } from '../llm/provider.ts';
import type { Outcome } from '../text/outcomes.ts';
import { budgetStates } from './budgets.ts';
import {
  type Funding,
  type FundingSource,
  type Offer,
  offersOf,
  type TurnToPay,
} from './funding.ts';
import type { FundingKind } from './ledger.ts';

export type PayerOrder = 'own-first' | 'own-only' | 'house-first' | 'ask';

const ORDERS: Readonly<Record<PayerOrder, readonly FundingKind[]>> = {
  'own-first': ['own', 'pool', 'credit', 'house'],
  'own-only': ['own'],
  'house-first': ['house', 'own', 'pool', 'credit'],
  ask: ['own', 'pool', 'credit', 'house'],
};

export interface TurnWithOrder extends TurnToPay {
  readonly order: PayerOrder;
  /** Whom the user chose for this turn, where they were asked. */
  readonly choice: FundingKind | null;
}

/** What came of an attempt to let somebody pay. */
export type Attempt<T> =
  | { readonly value: T }
  /** Used up, or too expensive for what is left. */
  | {
      readonly refused: Outcome;
      /** When it would do. */
      readonly againAt?: Date;
    };

export type Paid<T> =
  | {
      readonly paid: true;
      readonly funding: Funding;
      readonly value: T;
      /** Why those before it in the order did not. */
      readonly passed: readonly string[];
    }
  | {
      readonly paid: false;
      readonly outcome: Outcome;
      readonly funding?: Funding;
      /** When the one who refused would pay. */
      readonly againAt?: Date;
      /** Whose key it is about. */
      readonly provider?: ProviderId;
    };

export interface Payers {
  /**
   * Lets the first pay who can: an attempt that is refused goes on to the next where the user's
   * order allows, and a key of the user's own that fails never does.
   */
  pay<T>(turn: TurnWithOrder, attempt: (funding: Funding) => Promise<Attempt<T>>): Promise<Paid<T>>;
  /** Who could pay, in the user's order, without any effect. */
  able(turn: TurnToPay): Promise<readonly Funding[]>;
  /** Who would pay for the user's next turn; undefined: nobody. */
  preview(userId: number): Promise<Funding | undefined>;
  orderOf(userId: number): Promise<PayerOrder>;
}

export function createPayers({
  db,
  sources,
}: {
  readonly db: Database;
  readonly sources: readonly FundingSource[];
}): Payers {
  /** What each in an order offers, one after another. */
  async function* offers(kinds: readonly FundingKind[], turn: TurnToPay): AsyncGenerator<Offer> {
    for (const kind of kinds) {
      if (turn.turn?.has.has(kind) === false) continue;
      for (const source of sources.filter((s) => s.kind === kind)) {
        yield* offersOf(source, turn);
      }
    }
  }

  async function orderOf(userId: number): Promise<PayerOrder> {
    const [user] = await db
      .select({ order: users.payerOrder })
      .from(users)
      .where(eq(users.id, userId));
    return user?.order ?? 'own-first';
  }

  /** Up to a key that fails: that is its owner's to mend, nobody pays instead of it. */
  async function gathered(kinds: readonly FundingKind[], turn: TurnToPay): Promise<Offer[]> {
    const all: Offer[] = [];
    for await (const offer of offers(kinds, turn)) {
      all.push(offer);
      if (isFailing(offer)) break;
    }
    return all;
  }

  const ableIn = async (order: PayerOrder, turn: TurnToPay) =>
    ableAmong(await gathered(ORDERS[order], turn));

  return {
    orderOf,

    async pay(turn, attempt) {
      const { order, choice } = turn;
      const kinds = choice === null ? ORDERS[order] : [choice];
      const all = order === 'ask' && choice === null ? await gathered(kinds, turn) : undefined;
      if (all !== undefined && new Set(ableAmong(all).map(({ kind }) => kind)).size > 1) {
        return { paid: false, outcome: 'payer-needed' };
      }
      const nobody: Outcome =
        choice !== null ? 'payer-needed' : order === 'own-only' ? 'own-only' : 'house-unavailable';
      let last: Refused = { paid: false, outcome: nobody };
      const refuse = (next: Refused) => {
        if (!(isOfPool(last) && isOfHouse(next))) last = next;
      };
      const passed: string[] = [];
      for await (const offer of all ?? offers(kinds, turn)) {
        if (offer.offer === 'absent') continue;
        if (offer.offer === 'refused') {
          const { outcome, provider } = offer;
          refuse({ paid: false, outcome, ...(provider === undefined ? {} : { provider }) });
          if (!offer.passesOver) return last;
          if (offer.note !== undefined) passed.push(offer.note);
          continue;
        }
        const { funding } = offer;
        const notNow = funding.admit();
        const attempted: Attempt<never> | Awaited<ReturnType<typeof attempt>> =
          notNow === undefined ? await attempt(funding) : { refused: notNow };
        if ('value' in attempted) {
          return { paid: true, funding, value: attempted.value, passed };
        }
        const { refused: outcome, againAt } = attempted;
        await funding.refused?.(outcome);
        refuse({ paid: false, outcome, funding, ...(againAt === undefined ? {} : { againAt }) });
        if (!funding.passesOver) return last;
        const note = funding.passedOver?.(outcome, againAt);
        if (note !== undefined) passed.push(note);
      }
      return last;
    },

    able: async (turn) => ableIn(await orderOf(turn.userId), turn),

    async preview(userId) {
      const able = await ableIn(await orderOf(userId), { userId });
      if (able.length < 2) return able[0];
      for (const funding of able) {
        if (!funding.passesOver || !(await isUsedUp(db, funding))) return funding;
      }
      return able[0];
    },
  };
}

const isFailing = (offer: Offer) => offer.offer === 'refused' && !offer.passesOver;

function ableAmong(offers: readonly Offer[]): readonly Funding[] {
  if (offers.some(isFailing)) return [];
  return offers.flatMap((offer) => (offer.offer === 'pays' ? [offer.funding] : []));
}

type Refused = Extract<Paid<never>, { paid: false }>;

/**
 * What a pool says of a member's turn is what they are told, not that the house gives no more
 * either: often it gives them nothing at all.
 */
const isOfPool = ({ funding, outcome }: Refused) =>
  funding?.kind === 'pool' || outcome === 'pool-unavailable';
const isOfHouse = ({ funding, outcome }: Refused) =>
  funding?.kind === 'house' || outcome === 'house-not-for-you';

async function isUsedUp(db: Database, { caps }: Funding): Promise<boolean> {
  const states = await budgetStates(db, caps);
  return caps.some(({ turnsLimit, limitMicros }, nth) => {
    const used = states[nth];
    if (used === undefined) return false;
    const limit = limitMicros === 'granted' ? used.grantedMicros : limitMicros;
    return (
      (turnsLimit !== null && used.turns >= turnsLimit) ||
      (limit !== null && used.spentMicros + used.reservedMicros >= limit)
    );
  });
}
