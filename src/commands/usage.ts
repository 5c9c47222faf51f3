/** /usage: what was used today and this month, who paid, and what is left until when; with a picture. */

import type { UsageCharts } from '../charts/usage-chart.ts';
import type { Allowance } from '../funding/allowance.ts';
import { modelsOf } from '../funding/credit-funding.ts';
import { creditsOf } from '../funding/credits.ts';
import { dailyUsage } from '../funding/daily-usage.ts';
import type { FundingParts } from '../funding/funding.ts';
import type { HousePause } from '../funding/house-pause.ts';
import { type NextPayer, type NextPayerParts, nextPayer } from '../funding/next-payer.ts';
import type { OwnLimit } from '../funding/own-limit.ts';
import { usageSince } from '../funding/usage.ts';
import { providerEntry } from '../llm/catalogue.ts';
import { type Log, serializeError } from '../log.ts';
import type { Mailbox } from '../queue/mailbox.ts';
import { type UsageFacts, usageNotice } from '../text/usage.ts';
import { CHART_DAYS, usageChart } from '../text/usage-chart.ts';
import type { Command, CommandContext } from './command.ts';

const DAY_MS = 86_400_000;

export function createUsage(
  parts: FundingParts &
    NextPayerParts & {
      readonly allowance: Allowance;
      readonly ownLimit: OwnLimit;
      readonly mailbox: Mailbox;
      readonly housePause: Pick<HousePause, 'isPaused'>;
      readonly charts: UsageCharts;
      readonly log: Log;
    },
): Command {
  /** The figures stand there already: a picture that fails is no failure of the command. */
  async function sendPicture(context: CommandContext, now: Date, today: Date): Promise<void> {
    const since = new Date(today.getTime() - (CHART_DAYS - 1) * DAY_MS);
    const shown = usageChart(await dailyUsage(parts.db, context.userId, since), now);
    if (shown === undefined) return;
    try {
      const bytes = await parts.charts.draw(shown.chart);
      await context.post({
        markdown: shown.words,
        file: { name: 'usage.png', mediaType: 'image/png', bytes, picture: { alt: shown.words } },
      });
    } catch (error) {
      parts.log.warn({ error: serializeError(error) }, 'the picture of /usage');
    }
  }

  function nextOf(next: NextPayer): UsageFacts['next'] {
    const { provider, model } = next.pays ? next.funding : parts.house;
    const facts = { model, providerName: providerEntry(provider).name };
    if (!next.pays) return { ...facts, kind: 'none', reason: next.reason };
    const { kind, name } = next.funding;
    return {
      ...facts,
      kind,
      housePaused: parts.housePause.isPaused,
      ...(name === undefined ? {} : { name }),
    };
  }

  /** @returns those that pay: the others' models are not the house's any more */
  async function toldCredits(userId: number, now: Date): Promise<UsageFacts['credits']> {
    const nothing = { provider: null, model: null };
    return (await creditsOf(parts.db, userId, now)).flatMap((credit) => {
      const pays = modelsOf(credit, parts.house, nothing);
      return pays === undefined ? [] : [{ ...credit, models: pays.models }];
    });
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
      const [today, thisMonth, allowance, credits, limits, next, waiting] = await Promise.all([
        usageSince(parts.db, context.userId, day),
        usageSince(parts.db, context.userId, month),
        parts.allowance.state(context.userId),
        toldCredits(context.userId, now),
        parts.ownLimit.state(context.userId),
        nextPayer(parts, context.userId),
        parts.mailbox.open(context.userId),
      ]);
      context.answer(
        usageNotice({
          today,
          month: thisMonth,
          allowance,
          credits,
          limits,
          next: nextOf(next),
          waiting,
        }),
        'Your usage is for you alone: send me /usage in our private chat.',
      );
      if (context.chat.kind === 'direct') {
        context.later(() => sendPicture(context, now, day));
      }
    },
  };
}
