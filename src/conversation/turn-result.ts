/** What a turn came to when its stream ended. */

import type { Allowance } from '../funding/allowance.ts';
import type { Funding } from '../funding/funding.ts';
import type { OwnLimit } from '../funding/own-limit.ts';
import type { Usage } from '../llm/provider.ts';
import { costText } from '../text/cost.ts';
import type { Outcome } from '../text/outcomes.ts';
import type { AskedAnswer } from './provider-call.ts';
import { failureOutcome } from './provider-failures.ts';
import type { AbortReason } from './running-turns.ts';
import type { RunningTurn, TurnResult } from './turn-store.ts';

export interface EndedStream {
  readonly streamed: AskedAnswer;
  /** Why the turn was told to stop, if it was. */
  readonly aborted: Exclude<AbortReason, 'lost'> | undefined;
  readonly paidBy: Funding['kind'];
  /** Undefined: the model's price is unknown. */
  readonly costMicros: ((usage: Usage) => number) | undefined;
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
      : { costMicros: ended.costMicros(usage) }),
  };
}

/**
 * Adds what the answer cost and what is left, where its user wants to read that. Made before the
 * turn is settled, and stored with it, so that a second delivery shows the same.
 * @param reservedMicros what the allowance holds for this turn until then
 */
export async function withCostNote(
  result: TurnResult,
  turn: Pick<RunningTurn, 'userId' | 'chat' | 'showCost'>,
  {
    funding,
    allowance,
    ownLimit,
    reservedMicros,
  }: {
    readonly funding: Funding;
    readonly allowance: Pick<Allowance, 'state'>;
    readonly ownLimit: Pick<OwnLimit, 'state'>;
    readonly reservedMicros: number;
  },
): Promise<TurnResult> {
  if (!turn.showCost || turn.chat.kind !== 'direct' || result.answer.trim() === '') return result;
  const costMicros = result.costMicros ?? null;
  const change = (costMicros ?? 0) - reservedMicros;
  if (funding.kind === 'own') {
    const limits = await ownLimit.state(turn.userId);
    const settled = limits.map((limit) => ({ ...limit, usedMicros: limit.usedMicros + change }));
    return { ...result, costNote: costText.own(costMicros, settled) };
  }
  const state = await allowance.state(turn.userId);
  const settled = { ...state, spentMicros: state.spentMicros + change };
  return { ...result, costNote: costText.house(costMicros, settled) };
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
  if (blank) return 'no-text';
  if (ending.reason === 'length') {
    if (!clamped) return 'too-long';
    return paidBy === 'own' ? 'cut-by-own-limit' : 'cut-by-budget';
  }
  return null;
}

/** What the provider counted, or an estimate from above where it did not say. */
function usageOf({ streamed, estimatedInput }: EndedStream): Usage | undefined {
  const { ending, text, usage } = streamed;
  if (usage !== undefined) return usage;
  // It refused, or was never reached: nothing was used.
  if (ending.type === 'error' && text === '' && ending.error.code !== 'aborted') return undefined;
  return {
    inputTokens: estimatedInput,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    // Two bytes a token is more tokens than any text of length has.
    outputTokens: Math.ceil(Buffer.byteLength(text) / 2),
  };
}
