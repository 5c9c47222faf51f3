/** /usage: what was used today and this month, who paid, and what is left until when. */

import type { Allowance } from '../funding/allowance.ts';
import { type Funding, type FundingParts, readOwnKeys } from '../funding/funding.ts';
import type { OwnLimit } from '../funding/own-limit.ts';
import type { Payers } from '../funding/payers.ts';
import { usageSince } from '../funding/usage.ts';
import { providerEntry } from '../llm/catalogue.ts';
import type { Mailbox } from '../queue/mailbox.ts';
import { type UsageFacts, usageNotice } from '../text/usage.ts';
import type { Command } from './command.ts';

export function createUsage(
  parts: FundingParts & {
    readonly allowance: Allowance;
    readonly ownLimit: OwnLimit;
    readonly payers: Pick<Payers, 'preview'>;
    readonly mailbox: Mailbox;
  },
): Command {
  async function nextOf(userId: number, next: Funding | undefined): Promise<UsageFacts['next']> {
    const { provider, model } = next ?? parts.house;
    const facts = { model, providerName: providerEntry(provider).name };
    if (next !== undefined) return { ...facts, kind: next.kind };
    const { keys } = await readOwnKeys(parts, userId);
    return { ...facts, kind: 'none', reason: keys.length === 0 ? 'own-only' : 'own-key' };
  }

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
        parts.payers.preview(context.userId),
        parts.mailbox.open(context.userId),
      ]);
      context.answer(
        usageNotice({
          today,
          month: thisMonth,
          allowance,
          limits,
          next: await nextOf(context.userId, next),
          waiting,
        }),
        'Your usage is for you alone: send me /usage in our private chat.',
      );
    },
  };
}
