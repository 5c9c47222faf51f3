/** What the operator is told of the house's day. */

import type { Notice } from '../chat/platform.ts';
import type { HouseWarning } from '../funding/house-watch.ts';
import { formatUsd } from '../funding/money.ts';

export function houseDayNotice(
  what: HouseWarning,
  facts: { readonly day: string; readonly spentMicros: number; readonly limitMicros: number },
): Notice {
  const spent = `${formatUsd(facts.spentMicros)} of ${formatUsd(facts.limitMicros)} on ${facts.day} (UTC)`;
  return {
    markdown:
      what.warning === 'new-users-used'
        ? `**What the house gives new users a day is used up**; others go on. Together: ${spent}.`
        : what.warning === 'hour-used'
          ? `**What the house has handed out by this hour is used up**: ${spent}. House turns are refused until the next hour begins; I tell you this once a day.`
          : what.percent === 100
            ? `**The house’s day is used up**: ${spent}. House turns are refused until the next one begins.`
            : `**${what.percent} % of the house’s day** are spent: ${spent}.`,
    // Of /admin: whoever gets this is an operator.
    buttons: [
      [
        { label: 'Who spends it', action: 'admin:top-1' },
        { label: 'Pause the house', action: 'admin:pause' },
      ],
    ],
  };
}
