/** Who would pay for a user's next turn, or why nobody would: what every page that names a payer asks. */

import { type Funding, type FundingParts, readOwnKeys } from './funding.ts';
import type { Payers } from './payers.ts';

/** `own-key`: there is one, and it can't be used. */
export type NobodyPays = 'own-only' | 'own-key' | 'house-not-for-you';

export type NextPayer =
  | { readonly pays: true; readonly funding: Funding }
  | { readonly pays: false; readonly reason: NobodyPays };

/** The same in a sentence for the user, where it may have changed. */
export type WhoPays = (userId: number) => Promise<string>;

export interface NextPayerParts extends Pick<FundingParts, 'db' | 'apiKeys'> {
  readonly payers: Pick<Payers, 'preview' | 'orderOf'>;
}

export async function nextPayer(parts: NextPayerParts, userId: number): Promise<NextPayer> {
  const funding = await parts.payers.preview(userId);
  if (funding !== undefined) return { pays: true, funding };
  const { keys } = await readOwnKeys(parts, userId);
  if (keys.length > 0) return { pays: false, reason: 'own-key' };
  const isOwnOnly = (await parts.payers.orderOf(userId)) === 'own-only';
  return { pays: false, reason: isOwnOnly ? 'own-only' : 'house-not-for-you' };
}
