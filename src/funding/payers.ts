/** The one place that decides who pays for a turn: those who can, in the order that its user chose. */

import type { Database } from '../db/client.ts';
import { and, desc, eq, ne } from '../db/drizzle.ts';
import { reservations, users } from '../db/schema.ts';
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
  /** Who paid for the user's last answer but this turn's. */
  lastPayer(
    userId: number,
    turnId: number,
  ): Promise<{ readonly kind: FundingKind; readonly id: number | null } | undefined>;
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

  async function ableIn(order: PayerOrder, turn: TurnToPay) {
    const able: Funding[] = [];
    for await (const offer of offers(ORDERS[order], turn)) {
      if (offer.offer === 'pays') able.push(offer.funding);
      // A key that fails is its owner's to mend: nobody pays instead of it.
      if (offer.offer === 'refused' && !offer.passesOver) return { able: [], failed: offer };
    }
    return { able, failed: undefined };
  }

  return {
    orderOf,

    async pay(turn, attempt) {
      const { order, choice } = turn;
      if (order === 'ask' && choice === null) {
        const { able } = await ableIn(order, turn);
        if (new Set(able.map(({ kind }) => kind)).size > 1) {
          return { paid: false, outcome: 'payer-needed' };
        }
      }
      const nobody: Outcome =
        choice !== null ? 'payer-needed' : order === 'own-only' ? 'own-only' : 'house-unavailable';
      let last: Refused = { paid: false, outcome: nobody };
      const refuse = (next: Refused) => {
        if (!(isOfPool(last) && isOfHouse(next))) last = next;
      };
      const passed: string[] = [];
      for await (const offer of offers(choice === null ? ORDERS[order] : [choice], turn)) {
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

    able: async (turn) => (await ableIn(await orderOf(turn.userId), turn)).able,

    async preview(userId) {
      const { able } = await ableIn(await orderOf(userId), { userId });
      if (able.length < 2) return able[0];
      for (const funding of able) {
        if (!(await isUsedUp(db, funding))) return funding;
      }
      return able[0];
    },

    async lastPayer(userId, turnId) {
      const [last] = await db
        .select({ kind: reservations.funding, id: reservations.fundingId })
        .from(reservations)
        .where(
          and(
            eq(reservations.userId, userId),
            eq(reservations.answered, true),
            ne(reservations.turnId, turnId),
          ),
        )
        .orderBy(desc(reservations.at))
        .limit(1);
      return last;
    },
  };
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
