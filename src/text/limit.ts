/** Sentences about a user's own spending limit. */

import type { Notice } from '../chat/platform.ts';
import { formatUsd } from '../funding/money.ts';
import type { LimitPeriod, LimitState } from '../funding/own-limit.ts';
import { time } from './markdown.ts';

const HOW = [
  '- `/limit 2.50` a day, `/limit 20 month` a month; both may be set',
  '- `/limit off` takes them off',
  '- `/limit costs on` shows below each private answer what it cost, `/limit costs off` no more',
];

export const limitText = {
  state: (limits: readonly LimitState[], showCost: boolean): Notice => ({
    markdown: [
      limits.length === 0
        ? '**You have set no limit** on what your own keys spend here.'
        : '**Your limit** on what your own keys together spend here:',
      ...limits.map(limitLine),
      '',
      ...HOW,
      '',
      `Costs below answers: ${showCost ? 'on' : 'off'}. Days and months are UTC’s. A limit at your provider, for this key alone, holds even where I err.`,
    ].join('\n'),
    ...(limits.length === 0
      ? {}
      : { buttons: [[{ label: 'Take the limit off', action: 'limit:off' }]] }),
  }),

  set: (period: LimitPeriod, limitMicros: number, limits: readonly LimitState[]): Notice => ({
    markdown: [
      `Your own keys together spend at most ${formatUsd(limitMicros)} a ${period} here. I reserve the most that an answer can cost before I ask, cut it short where the limit comes near, and stop there.`,
      ...limits.map(limitLine),
    ].join('\n'),
  }),

  off: (there: boolean): Notice => ({
    markdown: there
      ? 'Your limit is off: your own keys spend what your messages cost.'
      : 'There was no limit.',
  }),

  costs: (on: boolean): Notice => ({
    markdown: on
      ? 'Below each answer in private I now say what it cost and what is left.'
      : 'I no longer say below answers what they cost.',
  }),

  notUnderstood: (): Notice => ({
    markdown: [
      'I did not understand that; nothing was changed. A limit is a sum in dollars, more than nothing and at most a million, with at most two digits behind the point:',
      ...HOW,
    ].join('\n'),
  }),
};

/** One limit, what is left of it and until when. */
export function limitLine({ period, limitMicros, usedMicros, resetsAt }: LimitState): string {
  const left = Math.max(0, limitMicros - usedMicros);
  return `- a ${period}: ${formatUsd(left)} of ${formatUsd(limitMicros)} left until ${time(resetsAt)}`;
}
