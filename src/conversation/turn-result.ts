/** What a turn came to when its stream ended. */

import type { Funding } from '../funding/funding.ts';
import type { FundingKind } from '../funding/ledger.ts';
import type { Usage } from '../llm/provider.ts';
import type { Outcome } from '../text/outcomes.ts';
import { payersText } from '../text/payers.ts';
import type { AskedAnswer } from './provider-call.ts';
import { failureOutcome } from './provider-failures.ts';
import type { AbortReason } from './running-turns.ts';
import type { RunningTurn, TurnResult } from './turn-store.ts';

export interface EndedStream {
  readonly streamed: AskedAnswer;
  /** Why the turn was told to stop, if it was. */
  readonly aborted: Exclude<AbortReason, 'lost'> | undefined;
  readonly paidBy: FundingKind;
  /** Undefined: the model's price is unknown. */
  readonly costMicros: ((usage: Usage) => number) | undefined;
  readonly priceAssumed: boolean;
  /** What was set aside: the most that the call can have cost, whatever its provider says. */
  readonly reservedMicros: number;
  /** In tokens, from above. */
  readonly estimatedInput: number;
  /** The allowance, or the user's own limit, paid for less output than was wanted. */
  readonly clamped: boolean;
}

export function concludeTurn(ended: EndedStream): TurnResult {
  const usage = usageOf(ended);
  return {
    answer: ended.streamed.text,
    outcome: outcomeOf(ended),
    ...(usage === undefined ? {} : { usage }),
    ...(usage === undefined || ended.costMicros === undefined
      ? {}
      : {
          costMicros: Math.min(ended.costMicros(usage), ended.reservedMicros),
          priceAssumed: ended.priceAssumed,
        }),
  };
}

/**
 * Adds who pays from now on, where another did before, and what the answer cost and what is left,
 * where its user wants to read that. Made before the turn is settled, and stored with it, so that a
 * second delivery shows the same.
 * @param reservedMicros what is set aside for this turn until then
 */
export async function withNotes(
  result: TurnResult,
  turn: Pick<RunningTurn, 'lastPayer' | 'chat' | 'isPrivate' | 'showCost'>,
  {
    funding,
    reservedMicros,
    passed = [],
  }: {
    readonly funding: Funding;
    readonly reservedMicros: number;
    /** Why those before it in the user's order did not pay. */
    readonly passed?: readonly string[];
  },
): Promise<TurnResult> {
  if (!counts(result)) return result;
  const notes: string[] = [];
  const { lastPayer } = turn;
  const isNew = lastPayer === undefined || isAnother(lastPayer, funding);
  if (isNew && (lastPayer !== undefined || passed.length > 0)) {
    const isSeenByAll = turn.chat.kind === 'group' && !turn.isPrivate;
    if (isSeenByAll) notes.push(payersText.changedInGroup());
    else notes.push(...passed, payersText.changed(funding.kind, funding.name));
  }
  if (isNew && funding.remark !== undefined) notes.push(funding.remark);
  if (turn.showCost && turn.chat.kind === 'direct') {
    const { costMicros = null, priceAssumed: assumed = false } = result;
    notes.push(await funding.costNote({ costMicros, assumed, reservedMicros }));
  }
  return notes.length === 0 ? result : { ...result, costNote: notes.join('\n') };
}

/** One credit after another is no change to tell of; another pool has another owner. */
function isAnother(before: NonNullable<RunningTurn['lastPayer']>, { kind, id }: Funding): boolean {
  return before.kind !== kind || (kind === 'pool' && before.id !== id);
}

function outcomeOf({ streamed, aborted, paidBy, clamped }: EndedStream): Outcome | null {
  const { ending } = streamed;
  const blank = streamed.text.trim() === '';
  if (aborted === 'stopped') return 'stopped';
  if (aborted === 'shutdown') return 'interrupted';
  if (aborted === 'closed') return null;
  if (ending.type === 'error')
    return blank ? failureOutcome(ending.error, paidBy, streamed.keyRefusal) : 'broken';
  if (ending.reason === 'refusal') return 'refused-by-model';
  if (blank) return ending.reason === 'length' ? 'thought-only' : 'no-text';
  if (ending.reason === 'length') {
    if (!clamped) return 'too-long';
    if (paidBy === 'credit') return 'cut-by-credit';
    if (paidBy === 'pool') return 'cut-by-pool';
    return paidBy === 'own' ? 'cut-by-own-limit' : 'cut-by-budget';
  }
  return null;
}

/**
 * What ended so was asked all the same, and its provider is paid: were it given back, the house's day
 * could be emptied for nothing.
 */
const COUNTED_WITHOUT_TEXT: ReadonlySet<Outcome | null> = new Set(['stopped', 'thought-only']);

/** Whether who pays has had something for it, or could have had. */
export function counts({ answer, outcome }: Pick<TurnResult, 'answer' | 'outcome'>): boolean {
  return answer.trim() !== '' || COUNTED_WITHOUT_TEXT.has(outcome);
}

/** No call has more tokens of a kind than this: whoever says so is wrong. */
const MOST_TOKENS = 100_000_000;

/**
 * What the provider counted, or an estimate from above where it did not say, or said what can be no
 * count. What is more than was possible is cut by the reservation (see {@link concludeTurn}).
 */
function usageOf({ streamed, estimatedInput }: EndedStream): Usage | undefined {
  const { ending, text, usage } = streamed;
  // It refused, or was never reached: nothing was used.
  const isUnused = ending.type === 'error' && text === '' && ending.error.code !== 'aborted';
  if (usage === undefined && isUnused) return undefined;
  const count = (said: number | undefined, otherwise: number) =>
    said !== undefined && Number.isFinite(said) && said >= 0
      ? Math.min(Math.ceil(said), MOST_TOKENS)
      : otherwise;
  return {
    inputTokens: count(usage?.inputTokens, estimatedInput),
    cachedInputTokens: count(usage?.cachedInputTokens, 0),
    cacheWriteTokens: count(usage?.cacheWriteTokens, 0),
    // Two bytes a token is more tokens than any text of length has.
    outputTokens: count(usage?.outputTokens, Math.ceil(Buffer.byteLength(text) / 2)),
  };
}
