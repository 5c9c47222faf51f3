/** What a plan gives, and what is left of it, in words. */

import type { Notice } from '../chat/platform.ts';
import type { AllowanceState, WindowState } from '../funding/allowance.ts';
import { formatUsd } from '../funding/money.ts';
import { FREE_PLAN, type PlanLimit } from '../funding/plans-file.ts';
import { counted } from './counted.ts';
import { inlineCode, time } from './markdown.ts';

const PERIODS = { day: 'a day', week: 'a week', month: 'a month' } as const;

/** `5 messages and $0.05`. @returns undefined where nothing limits */
export function windowLeft(window: WindowState): string | undefined {
  const { turnsLimit, limitMicros } = window;
  const parts = [
    ...(turnsLimit === null ? [] : [`${Math.max(0, turnsLimit - window.turnsUsed)} messages`]),
    ...(limitMicros === null ? [] : [formatUsd(Math.max(0, limitMicros - window.spentMicros))]),
  ];
  return parts.length === 0 ? undefined : parts.join(' and ');
}

export function isUsedUp({
  turnsLimit,
  turnsUsed,
  limitMicros,
  spentMicros,
}: WindowState): boolean {
  return (
    (turnsLimit !== null && turnsUsed >= turnsLimit) ||
    (limitMicros !== null && spentMicros >= limitMicros)
  );
}

/** The windows of a user's plan, a line each, below a heading. */
export function planLines({ plan, until, windows }: AllowanceState): readonly string[] {
  const name = plan === FREE_PLAN ? 'Free allowance' : `Your plan: ${plan}`;
  const limited = windows.filter(
    ({ turnsLimit, limitMicros }) => turnsLimit !== null || limitMicros !== null,
  );
  return [
    `**${name}**`,
    ...(limited.length === 0 ? ['- as much as you like, while the house has something left'] : []),
    ...limited.map((window) =>
      givesNothing({ turns: window.turnsLimit, micros: window.limitMicros })
        ? `- ${PERIODS[window.period]}: nothing; your own key pays`
        : `- ${limited.length === 1 && window.period === 'day' ? '' : `${PERIODS[window.period]}: `}${leftOf(window)} left until ${time(window.resetsAt)}`,
    ),
    ...(until === null ? [] : [`- the plan ends ${time(until)}`]),
  ];
}

function leftOf({ turnsLimit, turnsUsed, limitMicros, spentMicros }: WindowState): string {
  return [
    ...(turnsLimit === null
      ? []
      : [`${Math.max(0, turnsLimit - turnsUsed)} of ${turnsLimit} messages`]),
    ...(limitMicros === null
      ? []
      : [`${formatUsd(Math.max(0, limitMicros - spentMicros))} of ${formatUsd(limitMicros)}`]),
  ].join(' and ');
}

/** Whether who has no key of their own gets nothing at all. */
export const givesNothing = ({ turns, micros }: PlanLimit): boolean => turns === 0 || micros === 0;

/** What a newcomer gets: `20 messages a day, up to $0.10`. */
export function givesText({ turns, micros }: PlanLimit): string {
  if (turns === null)
    return micros === null ? 'answers' : `answers for up to ${formatUsd(micros)} a day`;
  const messages = `${counted(turns, 'message')} a day`;
  return micros === null ? messages : `${messages}, up to ${formatUsd(micros)}`;
}

/** `, up to 20 messages and $0.10 a day for each person`; nothing where nothing limits. */
export function upToText({ turns, micros }: PlanLimit): string {
  const parts = [
    ...(turns === null ? [] : [counted(turns, 'message')]),
    ...(micros === null ? [] : [formatUsd(micros)]),
  ];
  return parts.length === 0 ? '' : `, up to ${parts.join(' and ')} a day for each person`;
}

/** For the operator: somebody was granted a plan that PLANS_FILE has no more. */
export const unknownPlan = (name: string): string =>
  `The plan ${inlineCode(name)} was granted to somebody, and PLANS_FILE has none of that name: until it has, they are on the free plan.`;

export const plansText = {
  /** @param whoPays from now on, a sentence */
  ended: (plan: string, now: string, whoPays: string): Notice => ({
    markdown: `Your plan ${inlineCode(plan)} has ended; ${now === FREE_PLAN ? 'what the house gives you is the free allowance again' : `you have the plan ${inlineCode(now)}`}. ${whoPays} /usage says what is left.`,
  }),
};
