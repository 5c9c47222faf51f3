import type { Button, Notice } from '../chat/platform.ts';
import type { Price } from '../funding/prices.ts';
import { inlineCode } from './markdown.ts';

/** Where a list comes from: what the key may use, the usual ones, what a plan or a credit pays for. */
export type ModelSource = 'key' | 'catalogue' | 'plan' | 'credit';

const LISTS: Readonly<Record<ModelSource, string>> = {
  key: 'Models that your key may use, with the price of a million tokens in and out where I know it:',
  catalogue:
    'Your key may not list its models, or the provider did not answer; these are the usual ones:',
  plan: 'Models of your plan, with the price of a million tokens in and out:',
  credit: 'Models that your credit pays for, with the price of a million tokens in and out:',
};

export const modelText = {
  choose: (facts: {
    providerName: string;
    current: string;
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
        facts.from === 'plan'
          ? `The house answers you with ${inlineCode(facts.current)}.`
          : `Your model at ${facts.providerName}: ${inlineCode(facts.current)}`,
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

  house: (model: string, offline: boolean): Notice => ({
    markdown: `${offline ? 'The house has no key yet, so a built-in offline provider answers you, without any model' : `The house answers you with ${inlineCode(model)}`}. With a key of your own you choose the model yourself.`,
    buttons: [[{ label: 'Use my own key', directChat: 'setkey' }]],
  }),

  /** Nobody answers: the user's own key was refused, and the house does not pay instead. */
  keyCannotBeUsed: (): Notice => ({
    markdown:
      'Your own key can’t be used, so there is no model to choose. Replace the key, or delete it to go back to the free allowance.',
    buttons: [
      [
        { label: 'Replace the key', directChat: 'setkey' },
        { label: 'My keys', directChat: 'keys' },
      ],
    ],
  }),
};

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
