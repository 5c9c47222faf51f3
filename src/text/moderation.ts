/** What moderation says to users and to the operator. */

import type { Notice } from '../chat/platform.ts';
import { escapeMarkdown, inlineCode, time } from './markdown.ts';

/** A pause or a suspension, as far as it is told. */
export interface ToldSuspension {
  /** Null: until the operator lifts it. */
  readonly until: Date | null;
  /** Categories, or the operator's words. */
  readonly reason: string;
  readonly appealed: boolean;
}

const OWN_KEY = 'A key of your own (/setkey) is not held up by this.';

export const moderationText = {
  /** Before "From now on your own key pays". */
  passedOver: (): string =>
    'By /appeal you reach the operator: nobody else pays for you while you are suspended here.',

  inputFlagged: (suspension: ToldSuspension | undefined): string =>
    `I did not pass this on: moderation found in it what the house may not answer. ${follows(suspension)}`,

  outputFlagged: (suspension: ToldSuspension | undefined): string =>
    `I took this answer back: moderation found in it what I may not show. ${follows(suspension)}`,

  distress: (): string =>
    'I can’t answer this, and it is not held against you. If you are thinking of harming yourself: please talk to somebody now. Your local emergency number helps at once; findahelpline.com lists people who listen, in your country and for free.',

  suspended: (suspension: ToldSuspension | undefined): string =>
    suspension === undefined
      ? 'Your pause is over: please ask again.'
      : `${state(suspension)} (${escapeMarkdown(suspension.reason)}). ${appeal(suspension)} ${OWN_KEY}`,

  down: (): string =>
    'What I am asked has to pass moderation first, and that can’t be reached at the moment. Nothing was counted; try again in a few minutes, or use your own key.',

  nothingToAppeal: (): Notice => ({
    markdown: 'There is nothing to appeal against: you are neither paused nor suspended.',
  }),
  appealHow: (suspension: ToldSuspension): Notice => ({
    markdown: `${state(suspension)} (${escapeMarkdown(suspension.reason)}). To have the operator look at it, say why in one message: \`/appeal\` and your words. You can do so once.`,
  }),
  appealTooLong: (most: number): Notice => ({
    markdown: `That is too long: an appeal takes ${most.toLocaleString('en-US')} characters. Nothing was sent yet.`,
  }),
  appealed: (): Notice => ({
    markdown: 'Your appeal has reached the operator, who reads it and decides.',
  }),
  appealedBefore: (): Notice => ({
    markdown: 'You have appealed against this already; the operator decides.',
  }),

  appealArrived: (facts: {
    readonly id: number;
    readonly account: string;
    readonly reason: string;
    readonly words: string;
  }): Notice => ({
    markdown: [
      `An appeal against suspension ${facts.id} of ${inlineCode(facts.account)} (${escapeMarkdown(facts.reason)}):`,
      escapeMarkdown(facts.words),
      `To lift it: \`npm run admin -- user lift ${facts.account}\``,
    ].join('\n\n'),
  }),
  userSuspended: (userId: number): Notice => ({
    markdown: `Moderation has suspended user ${userId} after repeated flags. \`npm run admin -- moderation list --flagged\` shows why.`,
  }),
  serviceDown: (code: string, required: boolean): Notice => ({
    markdown:
      code === 'no-key'
        ? `MODERATION is on, and no key moderates: set MODERATION_API_KEY, or MODERATION=off. ${unmoderated(required)}`
        : `Moderation does not work (${code}). ${unmoderated(required)}`,
  }),
};

function unmoderated(required: boolean): string {
  return required
    ? 'Turns on the house wait for it, and are then refused.'
    : 'Until it does, turns on the house go on without it.';
}

function follows(suspension: ToldSuspension | undefined): string {
  if (suspension === undefined) {
    return 'This is a warning: when it happens again and again, you are paused, and in the end suspended.';
  }
  return `${state(suspension)}. ${appeal(suspension)} ${OWN_KEY}`;
}

function state({ until }: ToldSuspension): string {
  return until === null
    ? 'The house does not answer you any more: you are suspended'
    : `The house does not answer you until ${time(until)}: you are paused`;
}

function appeal({ appealed }: ToldSuspension): string {
  return appealed
    ? 'Your appeal is with the operator.'
    : 'If you think that this is wrong, tell the operator, once: `/appeal` and why.';
}
