/** A user's own key pays. When it fails, nobody else does. */

import { costText } from '../text/cost.ts';
import { type FundingParts, type FundingSource, type OwnKey, readOwnKey } from './funding.ts';
import { type OwnLimit, ownCaps } from './own-limit.ts';

export function createOwnFunding({
  db,
  apiKeys,
  ownLimit,
  now = () => new Date(),
}: Pick<FundingParts, 'db' | 'apiKeys'> & {
  readonly ownLimit: Pick<OwnLimit, 'state'>;
  readonly now?: () => Date;
}): FundingSource {
  return {
    kind: 'own',
    async offer({ userId, turn }) {
      const own = await readOwnKey({ db, apiKeys }, userId, now());
      if (own.found === 'nothing') return { offer: 'absent' };
      if (own.found !== 'key') {
        const outcome = outcomeOf(own, turn?.turnId);
        return { offer: 'refused', outcome, passesOver: false, provider: own.provider };
      }
      const { provider, model, apiKey, keyVersion, limits } = own;
      return {
        offer: 'pays',
        funding: {
          kind: 'own',
          id: null,
          provider,
          model,
          apiKey,
          caps: ownCaps(userId, limits, now()),
          passesOver: false,
          unpriced: 'own-price-unknown',
          admit: () => undefined,
          async ended(turnId, error) {
            if (error === undefined) await apiKeys.markUsed(userId, provider, keyVersion);
            if (error?.code !== 'key-refused') return undefined;
            return apiKeys.markRefused(userId, provider, keyVersion, turnId);
          },
          async costNote({ costMicros, assumed, reservedMicros }) {
            const change = (costMicros ?? 0) - reservedMicros;
            const states = await ownLimit.state(userId);
            const settled = states.map((s) => ({ ...s, usedMicros: s.usedMicros + change }));
            return costText.own({ costMicros, assumed }, settled);
          },
        },
      };
    },
  };
}

/** Only one turn tells the owner the whole of a refusal. */
function outcomeOf(own: Exclude<OwnKey, { found: 'key' | 'nothing' }>, turnId: number | undefined) {
  if (own.found !== 'refused') return `own-key-${own.found}` as const;
  const toldElsewhere = turnId === undefined || !own.refusedByTurns.includes(turnId);
  return toldElsewhere ? 'own-key-still-refused' : 'own-key-refused';
}
