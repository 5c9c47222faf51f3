/** The policy: whose words are checked, and what follows from what was found. */

import type { ModeratedImage } from '../llm/moderator.ts';
import { type Log, serializeError } from '../log.ts';
import type { Outcome } from '../text/outcomes.ts';
import type { Checker, Verdict } from './checker.ts';
import type { Direction, ModerationLog } from './moderation-log.ts';
import { type OutputWatch, watchOutput } from './output-watch.ts';
import type { Suspension, Suspensions } from './suspensions.ts';
import { flaggedCategories, highest, isDistress, type Thresholds } from './thresholds.ts';

export interface ModerationParts {
  readonly mode: 'off' | 'on' | 'required';
  /** The operator's terms say that turns on own keys are checked too. */
  readonly ownKeysToo: boolean;
  readonly thresholds: Thresholds;
  readonly checker: Checker;
  readonly suspensions: Suspensions;
  readonly records: ModerationLog;
  /** Hears of a user whom moderation has suspended. */
  readonly onSuspended: (userId: number) => void;
  readonly log: Log;
}

/** A turn, as far as moderation looks at it. */
export interface ModeratedTurn {
  readonly turnId: number;
  readonly userId: number;
  readonly attempt: number;
}

/** Who pays, and what they have a say in. */
export interface ModeratedPayer {
  readonly kind: string;
  readonly id?: number | null;
  /** Undefined: as the operator has it. Nothing is checked where the operator checks nothing. */
  readonly moderation?: 'off' | 'on' | 'required';
}

export type InputDecision =
  | { readonly result: 'passed' }
  | { readonly result: 'refused'; readonly outcome: Outcome }
  /** The service can't be asked: the turn goes back into its line, for so many milliseconds. */
  | { readonly result: 'later'; readonly waitMs: number };

/** One attempt at one turn. For what is not moderated, everything passes and nobody is asked. */
export interface TurnModeration {
  /** Begins to check; returns at once. */
  read(text: string): void;
  readFiles(texts: readonly string[], images: readonly ModeratedImage[]): void;
  /** As {@link read}, for what was said before: only what is not known to have passed. */
  readContext(texts: readonly string[]): void;
  /** What all that was read comes to. */
  input(): Promise<InputDecision>;
  /** Undefined where the answer is not checked. */
  readonly watch: OutputWatch | undefined;
  /** @returns why the whole answer is not to be shown, if that is so */
  output(text: string): Promise<Outcome | undefined>;
}

export interface Moderation {
  of(turn: ModeratedTurn, payer: ModeratedPayer): TurnModeration;
  /** The pause or suspension that is in force. */
  suspension(userId: number): Promise<Suspension | undefined>;
  /** Resolves when everything is recorded. */
  settled(): Promise<void>;
}

/** `required`: how long a turn waits for the service before each further attempt, in milliseconds. */
const WAITS_MS = [2_000, 5_000, 10_000];
/** `required`: how long an answer that has come waits before each further try, in milliseconds. */
const OUTPUT_WAITS_MS = [250, 750, 2_000];

/** For the log. */
interface PaidTurn extends ModeratedTurn {
  readonly poolId?: number | null;
}

export function createModeration(parts: ModerationParts): Moderation {
  const { mode, checker, thresholds, suspensions, records, log } = parts;
  const pending = new Set<Promise<void>>();

  function record(turn: PaidTurn, direction: Direction, verdict: Verdict): void {
    const { userId, turnId, poolId } = turn;
    const written = records
      .write({ userId, turnId, poolId, direction, verdict, consequence: undefined })
      .catch((error: unknown) => log.warn({ error: serializeError(error) }, 'moderation log'))
      .finally(() => pending.delete(written));
    pending.add(written);
  }

  /** Counts a flag; what it led to stands in the log before the user reads of it. */
  async function flag(turn: PaidTurn, direction: Direction, verdict: Verdict): Promise<Outcome> {
    const { userId, turnId, poolId } = turn;
    if (isDistress(verdict.categories)) {
      await records.write({ userId, turnId, poolId, direction, verdict, consequence: undefined });
      return 'distress';
    }
    const consequence = await suspensions.count(turn, verdict.categories.join(', '));
    await records.write({ userId, turnId, poolId, direction, verdict, consequence });
    if (consequence === 'suspension') parts.onSuspended(userId);
    return direction === 'input' ? 'input-flagged' : 'output-flagged';
  }

  function of(asked: ModeratedTurn, payer: ModeratedPayer): TurnModeration {
    const turn: PaidTurn = payer.kind === 'pool' ? { ...asked, poolId: payer.id ?? null } : asked;
    const isOwn = payer.kind === 'own';
    const isLeftOut = isOwn || payer.moderation === 'off';
    const isChecked = mode !== 'off' && (!isLeftOut || parts.ownKeysToo);
    // Own keys are never held up.
    const isRequired = !isLeftOut && (mode === 'required' || payer.moderation === 'required');
    const reading: Promise<Verdict>[] = [];
    const watch = isChecked ? watchOutput(checker) : undefined;

    const begin = (texts: readonly string[], images: readonly ModeratedImage[]): void => {
      const some = texts.filter((text) => text.trim() !== '');
      if (!isChecked || some.length + images.length === 0) return;
      reading.push(checker.check({ texts: some, images }));
    };

    return {
      watch,
      read: (text) => begin([text], []),
      readFiles: begin,
      readContext: (texts) =>
        begin(
          texts.filter((text) => !checker.hasPassed(text)),
          [],
        ),
      async input() {
        if (!isChecked) return { result: 'passed' };
        const verdict = together(await Promise.all(reading), thresholds);
        if (verdict.action === 'flagged') {
          return { result: 'refused', outcome: await flag(turn, 'input', verdict) };
        }
        const waitMs = WAITS_MS[turn.attempt - 1];
        if (verdict.action === 'unchecked' && isRequired) {
          if (waitMs !== undefined) return { result: 'later', waitMs };
          record(turn, 'input', verdict);
          return { result: 'refused', outcome: 'moderation-down' };
        }
        record(turn, 'input', verdict);
        return { result: 'passed' };
      },
      async output(text) {
        if (watch === undefined || text.trim() === '') return undefined;
        let verdict = await watch.end(text);
        for (const waitMs of isRequired ? OUTPUT_WAITS_MS : []) {
          if (verdict.action !== 'unchecked') break;
          await new Promise((resolve) => setTimeout(resolve, waitMs));
          verdict = await watch.end(text);
        }
        if (verdict.action === 'flagged') return flag(turn, 'output', verdict);
        record(turn, 'output', verdict);
        return verdict.action === 'unchecked' && isRequired ? 'moderation-down' : undefined;
      },
    };
  }

  return {
    of,
    suspension: (userId) => suspensions.current(userId),
    async settled() {
      await Promise.all(pending);
    },
  };
}

function together(verdicts: readonly Verdict[], thresholds: Thresholds): Verdict {
  const scores = highest(verdicts.map((verdict) => verdict.scores));
  const categories = flaggedCategories(scores, thresholds);
  if (categories.length > 0) return { action: 'flagged', categories, scores };
  const isUnchecked = verdicts.some(({ action }) => action === 'unchecked');
  return { action: isUnchecked ? 'unchecked' : 'passed', categories, scores };
}
