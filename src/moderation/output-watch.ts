/** Checks an answer by pieces while it streams, and stops it at the first flag. */

import type { Reply } from '../chat/reply.ts';
import type { Checker, Verdict } from './checker.ts';
import { highest } from './thresholds.ts';

/** So much has to be new before it is worth a request, in UTF-16 units. */
const LEAST_NEW = 400;
/** A piece is read with the end of what came before it. */
const TAIL = 400;

export interface OutputWatch {
  /** Shows what grows on the reply, and checks what is shown. */
  around(reply: Reply): Reply;
  /** Aborted by the first flag. */
  readonly signal: AbortSignal;
  /** Checks what is left of the whole text. */
  end(text: string): Promise<Verdict>;
}

/**
 * One request at a time: what comes meanwhile is the next piece. What is shown is ahead of what is
 * checked by the time that one request takes, and by what comes until a piece is full.
 */
export function watchOutput(checker: Pick<Checker, 'check' | 'remember'>): OutputWatch {
  const abort = new AbortController();
  const verdicts: Verdict[] = [];
  /** Up to where the text is checked, or being checked. */
  let checked = 0;
  let running: Promise<void> | undefined;
  let newest = '';

  async function checkTo(text: string): Promise<void> {
    const piece = text.slice(Math.max(0, checked - TAIL), text.length);
    const from = checked;
    checked = text.length;
    const verdict = await checker.check({ texts: [piece], images: [] });
    // It is tried again with the next piece.
    if (verdict.action === 'unchecked') checked = Math.min(checked, from);
    else verdicts.push(verdict);
    if (verdict.action === 'flagged') abort.abort();
  }

  function begin(): void {
    if (running !== undefined || abort.signal.aborted) return;
    if (newest.length - checked < LEAST_NEW) return;
    const before = checked;
    running = checkTo(newest).finally(() => {
      running = undefined;
      // Not over and over while the service is down.
      if (checked > before) begin();
    });
  }

  const isFlagged = () => abort.signal.aborted;

  return {
    signal: abort.signal,
    around: (reply) => ({
      show(progress) {
        if (isFlagged()) return;
        newest = progress.markdown;
        // The provider is asked anew where the first try broke before anything was shown.
        checked = Math.min(checked, newest.length);
        begin();
        reply.show(progress);
      },
      finish: (answer) => reply.finish(answer),
      abandon: () => reply.abandon(),
    }),
    async end(text) {
      await running;
      let unchecked = false;
      if (!isFlagged() && text.slice(checked).trim() !== '') {
        const before = checked;
        await checkTo(text);
        unchecked = checked === before;
      }
      const flagged = verdicts.find(({ action }) => action === 'flagged');
      const scores = highest(verdicts.map((verdict) => verdict.scores));
      if (flagged !== undefined) return { ...flagged, scores };
      if (unchecked) return { action: 'unchecked', categories: [], scores };
      checker.remember(text);
      return { action: 'passed', categories: [], scores };
    },
  };
}
