/** What /settings says. */

import type { Button, Notice } from '../chat/platform.ts';
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
