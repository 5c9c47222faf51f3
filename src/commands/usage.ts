/** /usage: what was used today and this month, who paid, and what is left until when. */

import type { Allowance } from '../funding/allowance.ts';
import { type FundingParts, previewFunding } from '../funding/funding.ts';
import type { OwnLimit } from '../funding/own-limit.ts';
import { usageSince } from '../funding/usage.ts';
import { providerEntry } from '../llm/catalogue.ts';
import type { Mailbox } from '../queue/mailbox.ts';
import { usageNotice } from '../text/usage.ts';
import type { Command } from './command.ts';

export function createUsage(
  parts: FundingParts & {
    readonly allowance: Allowance;
    readonly ownLimit: OwnLimit;
    readonly mailbox: Mailbox;
  },
): Command {
  return {
    name: 'usage',
    description: 'What I have used, and what is left',
    where: 'everywhere',
    isPrivate: true,
    async run(context) {
      const now = new Date();
      const day = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()));
      const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
      const [today, thisMonth, allowance, limits, next, waiting] = await Promise.all([
        usageSince(parts.db, context.userId, day),
        usageSince(parts.db, context.userId, month),
        parts.allowance.state(context.userId),
        parts.ownLimit.state(context.userId),
        previewFunding(parts, context.userId),
        parts.mailbox.open(context.userId),
      ]);
      context.answer(
        usageNotice({
          today,
          month: thisMonth,
          allowance,
          limits,
          next: { ...next, providerName: providerEntry(next.provider).name },
          waiting,
        }),
        'Your usage is for you alone: send me /usage in our private chat.',
      );
    },
  };
}
