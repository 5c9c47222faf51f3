/** What /settings says. */

import type { Button, Notice } from '../chat/platform.ts';
import { formatUsd } from '../funding/money.ts';
import { platformTitle } from './linking.ts';
import { escapeMarkdown, inlineCode } from './markdown.ts';

/** A setting as it is shown. */
export interface ShownSetting {
  readonly label: string;
  /** Markdown. */
  readonly value: string;
  readonly buttons: readonly Button[];
}

export const settingsText = {
  page: (settings: readonly ShownSetting[]): Notice => ({
    markdown: [
      '**Your settings**',
      '',
      ...settings.map((setting) => `- **${setting.label}**: ${setting.value}`),
    ].join('\n'),
    buttons: settings.flatMap((setting) => (setting.buttons.length > 0 ? [setting.buttons] : [])),
  }),

  model: {
    label: 'Model',
    value: (kind: 'own' | 'house' | 'none', provider: string, model: string): string =>
      kind === 'own'
        ? `${inlineCode(model)} on your own ${escapeMarkdown(provider)} key`
        : kind === 'house'
          ? `${inlineCode(model)}, which the house pays`
          : 'none: your own key was refused',
    choose: 'Choose a model',
  },

  consent: {
    label: 'Own key in groups',
    given: 'you agreed that what others said there goes along on your bill',
    notGiven: 'asked before the first time',
    withdraw: 'Withdraw consent for groups',
  },

  linked: {
    label: 'Linked accounts',
    value: (platforms: readonly string[]): string =>
      platforms.length < 2 ? 'none' : platforms.map(platformTitle).join(', '),
    link: 'Link an account',
    unlink: 'Separate them',
  },

  cost: {
    label: 'Cost below each private answer',
    on: 'shown',
    off: 'not shown',
    show: 'Show the cost',
    hide: 'Hide the cost',
  },
};

/** Stands below an answer, for users who want that. */
export function costNote(facts: {
  /** Undefined: the model's price is unknown. */
  readonly costMicros: number | undefined;
  /** The provider whose key paid; undefined: the house. */
  readonly provider: string | undefined;
  /** Of the house allowance, where the house paid. */
  readonly left: { readonly turns: number; readonly micros: number } | undefined;
}): string {
  const cost = facts.costMicros === undefined ? 'Price unknown' : formatUsd(facts.costMicros);
  const payer = facts.provider === undefined ? 'the house' : `your ${facts.provider} key`;
  const left =
    facts.left === undefined
      ? ''
      : ` ${facts.left.turns} free ${facts.left.turns === 1 ? 'message' : 'messages'} and ${formatUsd(facts.left.micros)} left today.`;
  return `${cost}, paid by ${payer}.${left}`;
}
