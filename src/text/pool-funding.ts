/** What members and owners read when a pool pays, or no longer does. */

import type { Notice } from '../chat/platform.ts';
import { formatUsd } from '../funding/money.ts';
import { providerEntry, type RemoteProviderId } from '../llm/catalogue.ts';
import { inlineCode, minuteAfter, time } from './markdown.ts';

export interface PoolFacts {
  readonly name: string;
  readonly hourEnds: Date;
  readonly dayEnds: Date;
  readonly monthEnds: Date;
}

/** `pool algebra`: behind "paid by". */
export const poolName = (name: string): string => `pool ${inlineCode(name)}`;

const STOPS = {
  draft: 'is not open yet',
  owner: 'is paused by its owner',
  key: 'is paused: its owner’s key can’t be used at the moment',
  'owner-left': 'is closed: its owner has left',
  closed: 'was closed by its owner',
  ended: 'is over: its last day has passed',
} as const;

const FAILURES: Readonly<Record<string, string>> = {
  'no-credit': 'its account has no credit left',
  'no-permission': 'it may not use the pool’s model',
  'model-not-found': 'the pool’s model is no longer there',
};

/** Why a member's turn was not paid by the pool, for a sentence that begins with its name. */
function why(outcome: string, facts: PoolFacts, againAt?: Date): string {
  switch (outcome) {
    case 'pool-hour-used':
      return `your budget for this hour is used; the next begins ${time(facts.hourEnds)}`;
    case 'pool-day-used':
      return `your budget for today is used; the next begins ${time(facts.dayEnds)}`;
    case 'pool-month-used':
      return `your budget for this month is used; the next begins ${time(facts.monthEnds)}`;
    case 'pool-used':
      return 'all that its owner gave for it is used';
    case 'over-rate':
      return `it is asked as often, or as much, as its owner allows in a minute; it pays again ${againAt === undefined ? 'in a minute' : time(minuteAfter(againAt))}`;
    case 'pool-price-unknown':
      return 'I don’t know what its model costs, so that no budget can be kept; its owner can choose another';
    default:
      return 'it can’t be used at the moment, and its owner was told';
  }
}

export const poolFundingText = {
  /** What a turn that nobody else pays for ends with. */
  refused: (outcome: string, facts: PoolFacts | undefined): string =>
    facts === undefined
      ? 'Your pool can’t pay at the moment, so I did not ask: /pool in our private chat says why.'
      : `Not asked, on ${poolName(facts.name)}: ${why(outcome, facts)}.`,

  /** Before "From now on … pays". */
  passedOver: (outcome: string, facts: PoolFacts, againAt?: Date): string =>
    `On ${poolName(facts.name)}, ${why(outcome, facts, againAt)}.`,

  /** For a member or guest of a pool that is read along, who did not agree to that. */
  notRead: (): string =>
    'This is paid by a pool whose owner reads what those ask who agreed to it. You did not, so nothing of yours is there for them to read; an invitation from them, and /pool join, is how to agree.',

  stopped: (name: string, stop: keyof typeof STOPS): string =>
    `The ${poolName(name)} ${STOPS[stop]}.`,

  stop: (stop: keyof typeof STOPS): string => STOPS[stop],

  cut: (facts: PoolFacts | undefined): string =>
    `Cut here: ${facts === undefined ? 'the pool' : poolName(facts.name)} paid for no more. /pool says what is left.`,

  cost: (
    name: string,
    { costMicros, assumed }: { readonly costMicros: number | null; readonly assumed: boolean },
    budgets: readonly {
      readonly period: string;
      readonly limitMicros: number | null;
      readonly usedMicros: number;
      readonly window: { readonly ends: Date | null };
    }[],
  ): string =>
    [
      `This answer: ${costMicros === null ? 'cost unknown' : formatUsd(costMicros)}${assumed ? ' (price assumed)' : ''}, paid by ${poolName(name)}.`,
      ...budgets.flatMap(({ period, limitMicros, usedMicros, window: { ends } }) =>
        limitMicros === null || ends === null
          ? []
          : [
              `Left of your budget this ${period}: ${formatUsd(Math.max(0, limitMicros - usedMicros))} until ${time(ends)}.`,
            ],
      ),
    ].join(' '),

  ownerLeftGroup: (name: string): Notice => ({
    markdown: `The owner of ${poolName(name)} is in this chat no more, so that it pays here no more. From now on each is paid by what they have of their own: /usage in our private chat says by what.`,
  }),

  // To the owner
  youLeftGroup: (name: string): Notice => ({
    markdown: `You are no longer in a group that your ${poolName(name)} paid for, so that it pays there no more. Its members elsewhere are paid as before.`,
  }),
  keyGone: (name: string): Notice => ({
    markdown: `Your ${poolName(name)} is paused: the key that it shared is gone. Its members are told when they ask. \`/pool resume ${name}\` shares the key that you have now.`,
  }),
  keyRefused: (name: string, provider: RemoteProviderId): Notice => ({
    markdown: `${providerEntry(provider).name} refuses the key that your ${poolName(name)} shares: it was revoked, or never worked. The pool pays for nobody until you replace the key (/setkey).`,
  }),
  keyFails: (name: string, provider: RemoteProviderId, code: string): Notice => ({
    markdown: `The ${providerEntry(provider).name} key that your ${poolName(name)} shares fails: ${FAILURES[code] ?? code}. Its members can’t ask until you have seen to it; I tell you this once.`,
  }),
} as const;
