import type { Button, Notice } from '../chat/platform.ts';
import type { FundingKind } from '../funding/ledger.ts';
import type { NobodyPays } from '../funding/next-payer.ts';
import type { Price } from '../funding/prices.ts';
import { inlineCode } from './markdown.ts';
import { nobodyPays, payerName } from './payers.ts';
import { poolName } from './pool-funding.ts';

/** Where a list comes from: what the key may use, the usual ones, what somebody else pays for. */
export type ModelSource = 'key' | 'catalogue' | 'plan' | 'credit' | 'pool';

export interface ToldPayer {
  readonly kind: FundingKind;
  /** Of a pool. */
  readonly name?: string;
}

const LISTS: Readonly<Record<ModelSource, string>> = {
  key: 'Models that your key may use, with the price of a million tokens in and out where I know it:',
  catalogue:
    'Your key may not list its models, or the provider did not answer; these are the usual ones:',
  plan: 'Models of your plan, with the price of a million tokens in and out:',
  credit: 'Models that your credit pays for, with the price of a million tokens in and out:',
  pool: 'Models that its owner allows, with the price of a million tokens in and out:',
};

export const modelText = {
  choose: (facts: {
    providerName: string;
    payer: ToldPayer;
    current: string;
    /** Who pays before that, with one model. */
    before: { readonly payer: ToldPayer; readonly model: string } | undefined;
    from: ModelSource;
    page: number;
    pages: number;
    models: readonly { id: string; action: string; price: Price | undefined }[];
  }): Notice => {
    const turning: Button[] = [];
    if (facts.page > 0) turning.push({ label: '← Back', action: `model:p-${facts.page - 1}` });
    if (facts.page + 1 < facts.pages) {
      turning.push({ label: 'More →', action: `model:p-${facts.page + 1}` });
    }
    return {
      markdown: [
        ...(facts.before === undefined
          ? []
          : [
              `${answeredBy(facts.before.payer, facts.before.model)} Where your own key pays instead:`,
            ]),
        facts.payer.kind === 'own'
          ? `Your model at ${facts.providerName}: ${inlineCode(facts.current)}. ${facts.providerName} bills you directly.`
          : answeredBy(facts.payer, facts.current),
        '',
        LISTS[facts.from],
        ...facts.models.map((m) => `- ${inlineCode(m.id)}: ${priceText(m.price)}`),
        '',
        'You can also send the name: `/model name`',
      ].join('\n'),
      buttons: [
        ...facts.models.map((m) => [
          { label: m.id === facts.current ? `✓ ${m.id}` : m.id, action: m.action },
        ]),
        ...(turning.length > 0 ? [turning] : []),
      ],
    };
  },

  set: (model: string, price: Price | undefined): Notice => ({
    markdown: `From now on: ${inlineCode(model)} (${priceText(price)}).`,
  }),

  /** @param isLike whether the list that follows is of those with such a name */
  unknown: (wanted: string, isLike: boolean): Notice => ({
    markdown: `I don’t find ${inlineCode(visible(wanted).slice(0, 100).toWellFormed())} among the models that you may use. ${isLike ? 'The nearest are:' : 'These are there:'}`,
  }),

  /** There is nothing to choose from. */
  only: (payer: ToldPayer, model: string, offline: boolean): Notice => ({
    markdown: `${offline ? 'The house has no key yet, so a built-in offline provider answers you, without any model.' : answeredBy(payer, model)} With a key of your own you choose the model yourself.`,
    buttons: [[{ label: 'Use my own key', directChat: 'setkey' }]],
  }),

  /** Nobody answers. */
  nobody: (reason: NobodyPays): Notice => ({
    markdown: `There is no model to choose: ${nobodyPays(reason)}`,
    buttons: [
      reason === 'own-key'
        ? [
            { label: 'Replace the key', directChat: 'setkey' },
            { label: 'My keys', directChat: 'keys' },
          ]
        : [
            { label: 'Use my own key', directChat: 'setkey' },
            ...(reason === 'own-only' ? [{ label: 'Who pays', directChat: 'settings' }] : []),
          ],
    ],
  }),
};

function answeredBy({ kind, name }: ToldPayer, model: string): string {
  if (kind === 'house') return `The house answers you with ${inlineCode(model)}.`;
  if (kind === 'pool' && name !== undefined) {
    return `The ${poolName(name)} answers you with ${inlineCode(model)}.`;
  }
  return `${inlineCode(model)} answers you, paid by ${payerName(kind, name)}.`;
}

/** Without marks that turn the direction of the sentence around it, and other controls. */
const visible = (text: string) => text.replace(/\p{C}+/gu, ' ').trim();

/** A model with its price, in plain text of at most `length` characters. */
export function modelSuggestion(id: string, price: Price | undefined, length: number): string {
  const whole = `${id} · ${priceText(price)}`;
  return whole.length <= length ? whole : id.slice(0, length);
}

/** Dollars for a million tokens. */
function priceText(price: Price | undefined): string {
  if (price === undefined) return 'price unknown';
  return `$${dollars(price.input)} in, $${dollars(price.output)} out`;
}

const dollars = (microsPerMillion: number) =>
  (microsPerMillion / 1_000_000).toFixed(4).replace(/0{1,2}$/, '');
