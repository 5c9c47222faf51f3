/** What /terms says unless the operator says it with TERMS_FILE. */

import type { PlanLimit } from '../funding/plans-file.ts';
import { givesNothing, upToText } from './plans.ts';

export interface TermsFacts {
  /** What the free plan gives a day. */
  readonly gives: PlanLimit;
  readonly isModerated: boolean;
}

export function ownKeysAreModerated(): string {
  return 'What you ask on a key of your own, and the answers, are checked by a moderation service too; /privacy says which.';
}

export function termsText({ gives, isModerated }: TermsFacts): string {
  return [
    '## Terms',
    'By using this bot you agree to these terms. The one who offers it to you is whoever runs this installation, the operator; the makers of the program Latchkey run nothing and are no party to this.',

    '**Who pays**',
    [
      '- Your own API key, where you bring one: its provider bills you directly, for every question that you ask here. What a lost or stolen key costs is between you and your provider, so make a key for this bot alone and set a spending limit on it.',
      givesNothing(gives)
        ? '- Otherwise nobody: the house answers only those to whom its operator has given a plan or a code.'
        : `- Otherwise the house${upToText(gives)}, as long as the operator likes. Nobody has a right to it.`,
      '- The house never pays silently for a key of yours that failed, and your key never for somebody else’s questions.',
    ].join('\n'),

    '**Who is liable**',
    [
      '- Answers are made by a model. They may be wrong, incomplete or somebody else’s work: check them before you run, publish or rely on them. What you do with them is yours to answer for.',
      '- You answer for what you send, and that you may send it. The terms of the provider that answers hold as well.',
      '- The service comes as it is, without any warranty, and may stop at any time. As far as the law lets them, neither the operator nor the makers of Latchkey are liable for harm that comes from using it.',
    ].join('\n'),

    '**What is not allowed**: a key that is not yours to use, getting around limits (with several accounts, for one), anything against the law, and harming the bot or others through it. The operator may shut people out.',

    ...(isModerated ? [MODERATED] : []),

    '**How it ends**: when you stop using it. /forget deletes what is kept of you, /delkey your key alone; /privacy says what is kept.',
  ].join('\n\n');
}

const MODERATED =
  '**Moderation**: what is answered at somebody else’s expense is checked before it is sent on, and so is the answer. What is flagged is not answered; again and again leads from a warning to a pause and to a suspension, against which /appeal reaches the operator. Your own key is not held up by that.';
