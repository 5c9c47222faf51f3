import type { Notice } from '../chat/platform.ts';
import type { AllowanceState } from '../funding/allowance.ts';
import type { FundingKind } from '../funding/ledger.ts';
import { formatUsd } from '../funding/money.ts';
import type { LimitState } from '../funding/own-limit.ts';
import { FREE_PLAN } from '../funding/plans-file.ts';
import type { UsageSum } from '../funding/usage.ts';
import { counted } from './counted.ts';
import { limitLine } from './limit.ts';
import { inlineCode, time } from './markdown.ts';
import { payerName } from './payers.ts';
import { givesNothing, isUsedUp, planLines } from './plans.ts';
import { poolName } from './pool-funding.ts';
import { creditLine, type ToldCredit } from './redeem.ts';

export interface UsageFacts {
  readonly today: readonly UsageSum[];
  readonly month: readonly UsageSum[];
  readonly allowance: AllowanceState;
  /** Those that have not expired, in the order in which they pay. */
  readonly credits: readonly ToldCredit[];
  /** On the user's own keys together. */
  readonly limits: readonly LimitState[];
  /** What pays for the next turn. */
  readonly next: {
    readonly kind: FundingKind | 'none';
    /** Of a pool. */
    readonly name?: string;
    readonly providerName: string;
    readonly model: string;
    /** Why nobody pays. */
    readonly reason?: 'own-only' | 'own-key' | 'house-not-for-you';
    /** The house pays for nobody at the moment. */
    readonly housePaused?: boolean;
  };
  readonly waiting: number;
}

export function usageNotice(facts: UsageFacts): Notice {
  const { allowance, next } = facts;
  const used = allowance.windows.findLast(isUsedUp);
  return {
    markdown: [
      '**Today**',
      ...sums(facts.today),
      '',
      '**This month**',
      ...sums(facts.month),
      '',
      ...planLines(allowance),
      ...(facts.credits.length === 0
        ? []
        : ['', '**Your credit**', ...facts.credits.map(creditLine)]),
      ...(facts.limits.length === 0
        ? []
        : ['', '**Your limit on your own keys**', ...facts.limits.map(limitLine)]),
      '',
      next.kind === 'own'
        ? `Your next message is paid by your own ${next.providerName} key (${inlineCode(next.model)}); ${next.providerName} bills you directly.`
        : next.kind === 'house'
          ? next.housePaused === true
            ? 'The house is paused by its operator for now; with a key of your own you go on at once.'
            : used !== undefined &&
                givesNothing({ turns: used.turnsLimit, micros: used.limitMicros })
              ? 'The house pays for nobody without a plan or a code: with a key of your own (/setkey) you go on at once.'
              : used !== undefined
                ? `Your ${allowance.plan === FREE_PLAN ? 'free messages are' : 'plan is'} used up until ${time(used.resetsAt)}; with a key of your own you go on at once.`
                : `Your next message is paid by the house (${inlineCode(next.model)}).`
          : next.kind === 'pool' || next.kind === 'credit'
            ? `Your next message is paid by ${payerName(next.kind, next.name)} (${inlineCode(next.model)}).`
            : next.reason === 'own-only'
              ? 'You let nobody pay but your own key, and have none: your next message is not answered. See /settings.'
              : next.reason === 'house-not-for-you'
                ? 'The house answers only those whom its operator has let in, and you have no key of your own: your next message is not answered. See /setkey.'
                : 'Your own key can’t be used (see /keys): your next message is not answered until you replace or delete it.',
      ...(facts.waiting > 0 ? [`Waiting or running now: ${facts.waiting}.`] : []),
    ].join('\n'),
    ...(next.kind === 'house'
      ? { buttons: [[{ label: 'Use my own key', directChat: 'setkey' }]] }
      : {}),
  };
}

function sums(rows: readonly UsageSum[]): readonly string[] {
  if (rows.length === 0) return ['- nothing yet'];
  return rows.map((row) => {
    const unpriced =
      row.unpricedTurns === 0 ? '' : ` (price unknown for ${row.unpricedTurns} of them)`;
    const assumed =
      row.assumedTurns === 0 ? '' : ` (price assumed for ${row.assumedTurns} of them)`;
    const payer = row.poolName === null ? PAYERS[row.funding] : poolName(row.poolName);
    return `- ${payer}: ${counted(row.turns, 'answer')}, ${count(row.inputTokens)} tokens in, ${count(row.outputTokens)} out, ${formatUsd(row.costMicros)}${unpriced}${assumed}`;
  });
}

const PAYERS = { own: 'own key', pool: 'pool', credit: 'credit', house: 'house' } as const;

const count = (n: number) => n.toLocaleString('en-US');
