/** What /redeem says. */

import type { Button, Deletion, Notice } from '../chat/platform.ts';
import { formatUsd } from '../funding/money.ts';
import { inlineCode, time } from './markdown.ts';

/** A credit as its user reads of it. */
export interface ToldCredit {
  readonly leftMicros: number;
  readonly grantedMicros: number;
  readonly expiresAt: Date;
  /** Without their provider. */
  readonly models: readonly string[];
}

/** Leads to the form, where there is one. */
const ENTER: readonly (readonly Button[])[] = [[{ label: 'Enter a code', action: 'run:redeem' }]];

export const redeemText = {
  ask: (byForm: boolean): Notice => ({
    markdown: byForm
      ? 'Have you got a code? A form takes it; or send it with the command.'
      : 'Send me the code with the command: `/redeem ABCDEF-GHJKMN-PQRSTU`',
    ...(byForm ? { buttons: ENTER } : {}),
  }),

  /** A code was no good; another may be. */
  again: (notice: Notice, byForm: boolean): Notice =>
    byForm ? { ...notice, buttons: ENTER } : notice,

  redeemed: (credit: {
    readonly micros: number;
    readonly expiresAt: Date;
    readonly models: readonly string[];
  }): Notice => ({
    markdown: [
      `Redeemed: you have a credit of **${formatUsd(credit.micros)}** until ${time(credit.expiresAt)}.`,
      `It pays for your messages before the free allowance does, and after a key of your own or a pool, where you have one; /settings changes that.${modelsLine(credit.models)} It is answered with the house’s key and under its rules (/terms); /usage shows what is left.`,
    ].join('\n\n'),
    buttons: [[{ label: 'Usage', directChat: 'usage' }]],
  }),

  mistyped: (): Notice => ({
    markdown:
      'No code is written like that: a letter is wrong or missing. A code has three groups of six letters and digits, without 0, 1, I, L and O. This did not count as a try.',
  }),
  unknown: (): Notice => ({
    markdown: 'I don’t know this code. Was it made for another bot?',
  }),
  'yours-already': (): Notice => ({
    markdown: 'You have redeemed this code already. /usage shows what is left of it.',
  }),
  'one-a-batch': (): Notice => ({
    markdown: 'You have redeemed a code of this kind before, and everybody may redeem one of them.',
  }),
  used: (): Notice => ({
    markdown: 'This code was used by somebody else, as often as it may be.',
  }),
  expired: (): Notice => ({
    markdown: 'This code has expired. Whoever gave it to you may have a newer one.',
  }),
  revoked: (): Notice => ({
    markdown: 'This code was made void by the operator.',
  }),
  limited: (retryAt: Date): Notice => ({
    markdown: `Too many codes that were no good. I take the next one ${time(retryAt)}.`,
  }),

  /** A code that stood in a group. */
  shown: (deletion: Deletion | 'none'): Notice => ({
    markdown: `A code is for our private chat: whoever reads it can redeem it.${SHOWN[deletion]} It was not redeemed here.`,
  }),
};

const SHOWN: Readonly<Record<Deletion | 'none', string>> = {
  deleted: ' I deleted your message.',
  refused: ' I may not delete your message here: delete it yourself.',
  none: '',
};

/** What is left of a credit, and until when. */
export function creditLine({ leftMicros, grantedMicros, expiresAt, models }: ToldCredit): string {
  const which = models.length === 0 ? '' : `, for ${models.map(inlineCode).join(', ')}`;
  return `- ${formatUsd(leftMicros)} of ${formatUsd(grantedMicros)} left until ${time(expiresAt)}${which}`;
}

function modelsLine(models: readonly string[]): string {
  if (models.length === 0) return '';
  const names = models.map((name) => inlineCode(name.slice(name.indexOf('/') + 1)));
  return models.length === 1
    ? ` ${names[0]} answers.`
    : ` You may choose the model (/model): ${names.join(', ')}.`;
}
