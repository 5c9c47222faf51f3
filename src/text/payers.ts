/** Who pays, in the words that a user reads. */

import type { Button, Notice } from '../chat/platform.ts';
import type { FundingKind } from '../funding/ledger.ts';
import type { NextPayer, NobodyPays } from '../funding/next-payer.ts';
import type { PayerOrder } from '../funding/payers.ts';
import { poolName } from './pool-funding.ts';

/** `your own key`: behind "paid by". */
export const PAYER_NAMES: Readonly<Record<FundingKind, string>> = {
  own: 'your own key',
  pool: 'a pool',
  credit: 'your credit',
  house: 'the house',
};

/** @param name of a pool: the user may have several */
export const payerName = (kind: FundingKind, name: string | undefined): string =>
  kind === 'pool' && name !== undefined ? poolName(name) : PAYER_NAMES[kind];

/** What it means for the bill. */
const MEANS: Readonly<Record<FundingKind, string>> = {
  own: 'your provider bills you directly',
  pool: 'the owner of the pool is billed, and sees what you spend',
  credit: 'it costs you nothing until your credit is used up',
  house: 'it costs you nothing while your free allowance lasts',
};

/** What it means for the bill. */
export const meansForBill = (kind: FundingKind): string => MEANS[kind];

/** Why nobody pays for the next message; it ends the sentence. */
export const nobodyPays = (reason: NobodyPays): string =>
  ({
    'own-key':
      'your own key can’t be used (see /keys), and nobody else pays instead until you replace or delete it.',
    'own-only': 'you let nobody pay but your own key, and have none. See /settings.',
    'house-not-for-you':
      'the house answers only those whom its operator has let in, and you have no key of your own. See /setkey.',
  })[reason];

const LABELS: Readonly<Record<FundingKind, string>> = {
  own: 'My own key',
  pool: 'The pool',
  credit: 'My credit',
  house: 'The house',
};

export const PAYER_ORDERS: readonly PayerOrder[] = ['own-first', 'own-only', 'house-first', 'ask'];

const ORDERS: Readonly<Record<PayerOrder, { readonly label: string; readonly means: string }>> = {
  'own-first': {
    label: 'Own key first',
    means:
      'your provider bills you directly; without a key of yours a pool, your credit, then the house pay, and when your key fails nobody pays instead',
  },
  'own-only': {
    label: 'Own key only',
    means: 'your provider bills you directly, and nobody else ever pays',
  },
  'house-first': {
    label: 'House first',
    means:
      'the free allowance while it lasts, which costs you nothing; then your own key, and your provider bills you directly',
  },
  ask: {
    label: 'Ask me',
    means: 'where several can pay, each question waits until you choose',
  },
};

export const payersText = {
  /** Below an answer, where another paid for the one before. */
  changed: (kind: FundingKind, name?: string): string =>
    `From now on ${payerName(kind, name)} pays: ${MEANS[kind]}.`,

  /** After something that may have changed it. */
  fromNowOn: (next: NextPayer): string =>
    next.pays
      ? payersText.changed(next.funding.kind, next.funding.name)
      : `From now on nobody pays for your messages: ${nobodyPays(next.reason)}`,

  /** The same where others read along. */
  changedInGroup: (): string =>
    'Who pays for your messages has changed: /usage in our private chat says how.',

  setting: {
    label: 'Who pays',
    value: (order: PayerOrder): string =>
      [
        ORDERS[order].label,
        ...PAYER_ORDERS.map((one) => `  - ${ORDERS[one].label}: ${ORDERS[one].means}`),
      ].join('\n'),
    choice: (order: PayerOrder): string => ORDERS[order].label,
  },

  ask: (turnId: number, kinds: readonly FundingKind[]): Notice => ({
    markdown: [
      'Who is to pay for this one?',
      ...kinds.map((kind) => `- **${LABELS[kind]}**: ${MEANS[kind]}`),
    ].join('\n'),
    buttons: kinds.map((kind): readonly Button[] => [
      { label: LABELS[kind], action: `pay:${kind}-${turnId}` },
    ]),
  }),

  chosen: (kind: FundingKind): Notice => ({
    markdown: `${LABELS[kind]} pays for this one: ${MEANS[kind]}. The answer comes where you asked.`,
  }),

  /** The question is gone, was asked already, or that payer is not there any more. */
  nothingToPay: (): Notice => ({
    markdown: 'There is nothing here any more that waits for a payer.',
  }),
};
