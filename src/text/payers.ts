/** Who pays, in the words that a user reads. */

import type { FundingKind } from '../funding/ledger.ts';

/** `your own key`: behind "paid by". */
export const PAYER_NAMES: Readonly<Record<FundingKind, string>> = {
  own: 'your own key',
  pool: 'a pool',
  credit: 'your credit',
  house: 'the house',
};
