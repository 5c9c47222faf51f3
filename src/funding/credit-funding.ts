/** A credit pays, with the house's key: out of its own budget, not out of the house's day. */

import type { Database } from '../db/client.ts';
import { eq } from '../db/drizzle.ts';
import { users } from '../db/schema.ts';
import { costText } from '../text/cost.ts';
import type { Outcome } from '../text/outcomes.ts';
import { type Credit, creditBudget, creditsOf } from './credits.ts';
import type { Funding, FundingSource, House } from './funding.ts';
import { type HouseKeyParts, houseKey } from './house-funding.ts';
import type { Cap } from './ledger.ts';

export interface CreditFundingParts extends HouseKeyParts {
  readonly db: Database;
  readonly now?: () => Date;
}

/** What a user may have answered on a credit. */
export interface CreditModels {
  readonly models: readonly string[];
  /** The one that answers. */
  readonly model: string;
}

/**
 * The models of a credit that the house's key can reach. What was chosen with /model answers where
 * it is among them, or else the house's own, or the first.
 * @returns undefined where there is none: the operator has changed the house since
 */
export function modelsOf(
  { models: allowed }: Pick<Credit, 'models'>,
  { provider, model }: Pick<House, 'provider' | 'model'>,
  chosen: { readonly provider: string | null; readonly model: string | null },
): CreditModels | undefined {
  const prefix = `${provider}/`;
  const models =
    allowed.length === 0
      ? [model]
      : allowed.flatMap((name) => (name.startsWith(prefix) ? name.slice(prefix.length) : []));
  const wanted = chosen.provider === provider ? chosen.model : null;
  const answers =
    models.find((one) => one === wanted) ?? models.find((one) => one === model) ?? models[0];
  return answers === undefined ? undefined : { models, model: answers };
}

/** What the user's credit that pays next lets them choose from. */
export async function creditModels(
  { db, house, now = () => new Date() }: Pick<CreditFundingParts, 'db' | 'house' | 'now'>,
  userId: number,
): Promise<CreditModels | undefined> {
  const [credits, chosen] = await Promise.all([creditsOf(db, userId, now()), chosenBy(db, userId)]);
  for (const credit of credits) {
    const models = credit.leftMicros > 0 ? modelsOf(credit, house, chosen) : undefined;
    if (models !== undefined) return models;
  }
  return undefined;
}

export function createCreditFunding(parts: CreditFundingParts): FundingSource {
  const { db, house, now = () => new Date() } = parts;

  function fundingOf(userId: number, credit: Credit, model: string): Funding {
    const cap: Cap<Outcome> = {
      ...creditBudget(credit.id, credit.ownerId),
      limitMicros: 'granted',
      turnsLimit: null,
      charge: 'spent',
      refusals: { turns: 'credit-used', money: 'credit-used' },
    };
    return {
      kind: 'credit',
      id: credit.id,
      provider: house.provider,
      model,
      apiKey: house.apiKey,
      caps: [cap],
      passesOver: true,
      unpriced: 'price-unknown',
      ...houseKey(parts),
      async costNote({ costMicros, assumed, reservedMicros }) {
        const all = await creditsOf(db, userId, now());
        const { expiresAt } = credit;
        const state = all.find(({ id }) => id === credit.id);
        const beforeMicros =
          state === undefined ? credit.leftMicros : state.leftMicros + reservedMicros;
        return costText.credit(
          { costMicros, assumed },
          { expiresAt, leftMicros: beforeMicros - (costMicros ?? 0) },
        );
      },
    };
  }

  return {
    kind: 'credit',
    async offer({ userId }) {
      const credits = (await creditsOf(db, userId, now())).filter((one) => one.leftMicros > 0);
      if (credits.length === 0) return { offer: 'absent' };
      const chosen = await chosenBy(db, userId);
      return credits.flatMap((credit) => {
        const models = modelsOf(credit, house, chosen);
        if (models === undefined) return [];
        return { offer: 'pays' as const, funding: fundingOf(userId, credit, models.model) };
      });
    },
  };
}

async function chosenBy(db: Database, userId: number) {
  const [user] = await db
    .select({ provider: users.provider, model: users.model })
    .from(users)
    .where(eq(users.id, userId));
  return { provider: user?.provider ?? null, model: user?.model ?? null };
}
