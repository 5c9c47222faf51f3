/** What /settings says. */

import type { Button, Notice } from '../chat/platform.ts';
import type { FundingKind } from '../funding/ledger.ts';
import type { NobodyPays } from '../funding/next-payer.ts';
import { platformTitle } from './linking.ts';
import { escapeMarkdown, inlineCode } from './markdown.ts';
import { meansForBill, nobodyPays, payerName } from './payers.ts';

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
    value: (next: { kind: FundingKind; name?: string; provider: string; model: string }): string =>
      next.kind === 'own'
        ? `${inlineCode(next.model)} on your own ${escapeMarkdown(next.provider)} key: ${meansForBill('own')}`
        : `${inlineCode(next.model)}, which ${payerName(next.kind, next.name)} pays: ${meansForBill(next.kind)}`,
    none: (reason: NobodyPays): string => `none: ${nobodyPays(reason)}`,
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
