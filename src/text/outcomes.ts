/** How a turn ended, in the words that its user reads. The codes stand in `turns.outcome`. */

import type { Button, Notice } from '../chat/platform.ts';
import { TURN_TEXT_LIMIT } from '../chat/turn-input.ts';
import type { WindowState } from '../funding/allowance.ts';
import { generalText } from './general.ts';
import { inlineCode, minuteAfter, time } from './markdown.ts';
import { moderationText, type ToldSuspension } from './moderation.ts';
import { type PoolFacts, poolFundingText } from './pool-funding.ts';
import { sealedText } from './sealed.ts';

/** What the sentences may name. */
export interface OutcomeFacts {
  readonly providerName: string;
  readonly model: string;
  /** When the house's day ends. */
  readonly resetsAt: Date;
  /** When the house's month ends. */
  readonly monthResetsAt: Date;
  /** When the next slice of the house's day comes. */
  readonly hourResetsAt: Date;
  /** When a turn that came too fast would do. */
  readonly againAt: Date;
  /** The window of the user's plan that is used up; undefined: the outcome tells of none. */
  readonly plan: { readonly isFree: boolean; readonly window: WindowState } | undefined;
  /** The pool that was to pay. */
  readonly pool?: PoolFacts | undefined;
  /** The user's pause or suspension that is in force. */
  readonly suspension?: ToldSuspension | undefined;
}

interface OutcomeText {
  readonly say: (facts: OutcomeFacts) => string;
  readonly buttons?: readonly (readonly Button[])[];
  /**
   * In groups it is shown to the sender alone, since it is about keys, usage or allowance; this is
   * what everybody may read instead.
   */
  readonly inGroups?: string;
  /**
   * In groups it is told in the direct chat, and {@link inGroups} to everybody; on platforms that
   * show something privately on request only, it stands behind a button like the others.
   */
  readonly inDirectChat?: true;
}

const BRING_A_KEY: readonly (readonly Button[])[] = [
  [{ label: 'Use my own key', directChat: 'setkey' }],
];
const REPLACE_KEY: readonly (readonly Button[])[] = [
  [
    { label: 'Replace the key', directChat: 'setkey' },
    { label: 'My keys', directChat: 'keys' },
  ],
];
const CHOOSE_MODEL: readonly (readonly Button[])[] = [
  [{ label: 'Choose a model', directChat: 'model' }],
];

const LIMIT: readonly (readonly Button[])[] = [[{ label: 'My limit', directChat: 'limit' }]];

const ENTER_A_CODE: readonly Button[] = [{ label: 'Enter a code', directChat: 'redeem' }];

const OWN_KEY_GOES_ON =
  'With a key of your own you can go on right now; you then pay your provider directly.';

/** Where the free plan is none. */
const NOTHING_GIVEN = `Here everybody brings a key of their own: the house pays for nobody without a plan or a code. ${OWN_KEY_GOES_ON}`;

/** What everybody in a group may read where the reason is about keys, usage or allowance. */
const NOT_ANSWERED = 'I could not answer this. Why is for the person who asked alone.';
/** Instead of {@link NOT_ANSWERED} where the reason stands in the direct chat. */
export const TOLD_IN_DIRECT_CHAT = 'I could not answer this. I wrote you why in our private chat.';

function poolOutcome(code: string) {
  return {
    say: ({ pool }: OutcomeFacts) => poolFundingText.refused(code, pool),
    buttons: [[{ label: 'My pools', directChat: 'pool' }]] as const,
    inGroups: NOT_ANSWERED,
  };
}

const OUTCOMES = {
  stopped: { say: () => 'Stopped.' },
  interrupted: {
    say: () =>
      'I was interrupted here and did not start over, so that nothing is paid twice. Say “continue” and I go on.',
  },
  'too-long': { say: () => 'The answer reached its length limit. Say “continue” and I go on.' },
  'cut-by-budget': {
    say: () =>
      'Cut here: the house allowance paid for no more. Say “continue” when it begins anew (/usage says when), or use your own key.',
    buttons: BRING_A_KEY,
    inGroups: 'The answer was cut here. Why is for the person who asked alone.',
  },
  'cut-by-credit': {
    say: () =>
      'Cut here: your credit paid for no more. Say “continue”, and whoever pays next goes on; /usage says who.',
    inGroups: 'The answer was cut here. Why is for the person who asked alone.',
  },
  'refused-by-model': { say: () => 'The model declined to answer this.' },
  broken: {
    say: ({ providerName }) =>
      `The connection to ${providerName} broke here. Say “continue” and I go on.`,
  },
  'turns-used': {
    say: ({ plan, resetsAt }) => {
      const free = plan?.isFree === false ? '' : 'free ';
      const limit = plan?.window.turnsLimit ?? null;
      if (limit === 0) return NOTHING_GIVEN;
      const used =
        limit === 1
          ? `Your ${free}message for today is used. The next one comes`
          : `Your ${limit === null ? '' : `${limit} `}${free}messages for today are used. The next ones come`;
      return `${used} ${time(plan?.window.resetsAt ?? resetsAt)}. ${OWN_KEY_GOES_ON}`;
    },
    buttons: BRING_A_KEY,
    inGroups: NOT_ANSWERED,
  },
  'money-used': {
    say: ({ plan, resetsAt }) =>
      plan?.window.limitMicros === 0
        ? NOTHING_GIVEN
        : `Your ${plan?.isFree === false ? 'plan’s' : 'free'} allowance for today is used. The next comes ${time(plan?.window.resetsAt ?? resetsAt)}. ${OWN_KEY_GOES_ON}`,
    buttons: BRING_A_KEY,
    inGroups: NOT_ANSWERED,
  },
  'week-used': {
    say: ({ plan, resetsAt }) =>
      `What your plan gives you a week is used. It begins anew ${time(plan?.window.resetsAt ?? resetsAt)}. ${OWN_KEY_GOES_ON}`,
    buttons: BRING_A_KEY,
    inGroups: NOT_ANSWERED,
  },
  'month-used': {
    say: ({ plan, monthResetsAt }) =>
      `What your plan gives you a month is used. It begins anew ${time(plan?.window.resetsAt ?? monthResetsAt)}. ${OWN_KEY_GOES_ON}`,
    buttons: BRING_A_KEY,
    inGroups: NOT_ANSWERED,
  },
  'over-rate': {
    say: ({ againAt }) =>
      `That is more within a minute than whoever pays for you allows, so I did not ask. Send it again ${time(minuteAfter(againAt))}, or use your own key.`,
    buttons: BRING_A_KEY,
    inGroups: NOT_ANSWERED,
  },
  'new-users-used': {
    say: ({ resetsAt }) =>
      `The house has given those who are new here everything that it had for them today. It goes on ${time(resetsAt)}; with a key of your own, right now.`,
    buttons: BRING_A_KEY,
    inGroups: NOT_ANSWERED,
  },
  'house-hour-used': {
    say: ({ hourResetsAt }) =>
      `The house has given away everything that it had for this hour. It goes on ${time(hourResetsAt)}; with a key of your own, right now.`,
    buttons: BRING_A_KEY,
    inGroups: NOT_ANSWERED,
  },
  'house-not-for-you': {
    say: () =>
      'The house answers only those whom its operator has let in. With a key of your own you can go on right now; you then pay your provider directly.',
    buttons: BRING_A_KEY,
    inGroups: NOT_ANSWERED,
  },
  'house-used': {
    say: ({ resetsAt }) =>
      `The house has given away everything that it had for today. It goes on ${time(resetsAt)}; with a key of your own, right now.`,
    buttons: BRING_A_KEY,
    inGroups: NOT_ANSWERED,
  },
  'chat-used': {
    say: ({ resetsAt }) =>
      `What the house gives this chat a day is used. It goes on ${time(resetsAt)}; with a key of your own, right now.`,
    buttons: BRING_A_KEY,
    inGroups:
      'What the house gives this chat a day is used. With /setkey in our private chat you can go on.',
  },
  'credit-used': {
    say: () =>
      'What is left of your credit does not pay for this. With a key of your own, or another code (/redeem), you can go on right now; /usage says what is left.',
    buttons: [...BRING_A_KEY, ENTER_A_CODE],
    inGroups: NOT_ANSWERED,
  },
  'pool-hour-used': poolOutcome('pool-hour-used'),
  'pool-day-used': poolOutcome('pool-day-used'),
  'pool-month-used': poolOutcome('pool-month-used'),
  'pool-used': poolOutcome('pool-used'),
  'pool-unavailable': poolOutcome('pool-unavailable'),
  'pool-price-unknown': poolOutcome('pool-price-unknown'),
  'cut-by-pool': {
    say: ({ pool }) => poolFundingText.cut(pool),
    inGroups: 'The answer was cut here. Why is for the person who asked alone.',
  },
  'house-unavailable': {
    say: () =>
      'The house can’t answer at the moment; its operator has been told. This did not count against your allowance. Try again in a few minutes, or use your own key.',
    buttons: BRING_A_KEY,
    inGroups: NOT_ANSWERED,
  },
  'house-paused': {
    say: () =>
      'The house is paused by its operator for now, and nothing was counted; with a key of your own (/setkey) you can go on at once.',
    buttons: BRING_A_KEY,
    inGroups:
      'The house is paused by its operator for now. With /setkey in our private chat you can go on.',
  },
  'own-key-refused': {
    say: ({ providerName }) =>
      `${providerName} refuses your key: it was revoked, or never worked. I use it no more, and the house does not pay instead. Replace it, or delete it to go back to the free allowance.`,
    buttons: REPLACE_KEY,
    inGroups: NOT_ANSWERED,
    inDirectChat: true,
  },
  'own-key-sealed': {
    say: () =>
      'I have your key, but can’t open it any more: what protects it was lost or damaged on the operator’s side, who has been told. Please give it to me again; the house does not pay instead. Nothing of yours was deleted.',
    buttons: REPLACE_KEY,
    inGroups: NOT_ANSWERED,
    inDirectChat: true,
  },
  'words-sealed': {
    say: () => sealedText.lost().markdown,
    buttons: sealedText.lost().buttons ?? [],
    inGroups: sealedText.lostInGroup(),
    inDirectChat: true,
  },
  'own-key-still-refused': {
    say: ({ providerName }) =>
      `Not answered: ${providerName} has refused your key. Replace it, or delete it to go back to the free allowance.`,
    buttons: REPLACE_KEY,
    inGroups: 'I can’t answer on your own key at the moment: see our private chat.',
  },
  'own-key-unreadable': {
    say: ({ providerName }) =>
      `What I keep of your ${providerName} key does not open any more, so I asked nobody. Please send the key again, or delete it to go back to the free allowance.`,
    buttons: REPLACE_KEY,
    inGroups: NOT_ANSWERED,
    inDirectChat: true,
  },
  'own-key-replaced': {
    say: ({ providerName }) =>
      `${providerName} refused the key that this was asked with, which you have replaced or deleted since. Ask again.`,
  },
  'own-day-limit': {
    say: ({ resetsAt }) =>
      `Your own limit for today is used up, so I did not ask. It begins anew ${time(resetsAt)}; /limit changes it.`,
    buttons: LIMIT,
    inGroups: NOT_ANSWERED,
    inDirectChat: true,
  },
  'own-month-limit': {
    say: ({ monthResetsAt }) =>
      `Your own limit for this month is used up, so I did not ask. It begins anew ${time(monthResetsAt)}; /limit changes it.`,
    buttons: LIMIT,
    inGroups: NOT_ANSWERED,
    inDirectChat: true,
  },
  'own-price-unknown': {
    say: ({ model }) =>
      `I don’t know what ${inlineCode(model)} costs, so with it I can’t keep to the limit that you set, and did not ask. Choose a model whose price /model shows, or take the limit off with \`/limit off\`.`,
    buttons: [
      [
        { label: 'Choose a model', directChat: 'model' },
        { label: 'My limit', directChat: 'limit' },
      ],
    ],
    inGroups: NOT_ANSWERED,
    inDirectChat: true,
  },
  'price-unknown': {
    say: ({ model }) =>
      `I don’t know what ${inlineCode(model)} costs, so nobody but you could pay for it, and I did not ask.`,
    buttons: BRING_A_KEY,
    inGroups: NOT_ANSWERED,
  },
  'own-only': {
    say: () =>
      'You let nobody pay but your own key, and I have none of yours, so I did not ask. Set one, or change who pays in /settings.',
    buttons: [
      [
        { label: 'Use my own key', directChat: 'setkey' },
        { label: 'Who pays', directChat: 'settings' },
      ],
    ],
    inGroups: NOT_ANSWERED,
  },
  'payer-needed': {
    say: () => 'Several can pay for this: it waits until you choose.',
    inGroups: NOT_ANSWERED,
  },
  'cut-by-own-limit': {
    say: () => 'Cut here: the spending limit of this key allowed no more. See /limit.',
  },
  'own-no-permission': {
    say: ({ providerName, model }) =>
      `Your ${providerName} key may not use ${inlineCode(model)}. Choose another model, or change what the key may do.`,
    buttons: CHOOSE_MODEL,
    inGroups: NOT_ANSWERED,
    inDirectChat: true,
  },
  'own-no-credit': {
    say: ({ providerName }) =>
      `Your ${providerName} account has no credit left. Add some on its billing page; your key stays as it is.`,
    inGroups: NOT_ANSWERED,
    inDirectChat: true,
  },
  'own-rate-limited': {
    say: ({ providerName }) =>
      `${providerName} limits how fast your key may be used. Try again in a minute.`,
    inGroups: NOT_ANSWERED,
    inDirectChat: true,
  },
  'provider-busy': {
    say: ({ providerName }) =>
      `${providerName} is overloaded or does not answer. Nothing was counted; try again in a moment.`,
    inGroups: 'I could not answer this just now. Try again in a moment.',
  },
  'context-too-long': {
    say: ({ model }) =>
      `This is too long for ${inlineCode(model)}. Send less at once, or start afresh with /new.`,
  },
  'refused-by-policy': {
    say: ({ providerName }) => `${providerName} refuses to answer this under its usage policy.`,
  },
  'model-not-found': {
    say: ({ model }) => `The model ${inlineCode(model)} is no longer there. Choose another one.`,
    buttons: CHOOSE_MODEL,
    inGroups: NOT_ANSWERED,
  },
  'bad-request': {
    say: ({ providerName, model }) =>
      `${providerName} did not accept this request for ${inlineCode(model)}. Try another model, or start afresh with /new.`,
    buttons: CHOOSE_MODEL,
    inGroups: NOT_ANSWERED,
  },
  'no-text': {
    say: () => 'The model answered without any text. Nothing was counted; try again.',
    inGroups: 'The model answered without any text. Try again.',
  },
  'thought-only': {
    say: () =>
      'The model used all that it may say for thinking, and came to no words. That is counted; ask for less at once.',
    inGroups: 'The model came to no words. Ask for less at once.',
  },
  'consent-needed': {
    say: () =>
      'Before I use your own key in a group: what others said here with me is sent along as context, at most some 4,000 tokens a message, on your bill. Only your own messages ever start an answer on your key.',
    inGroups: NOT_ANSWERED,
  },
  'key-in-file': {
    say: () =>
      'A file here holds an API key. I sent it to nobody and deleted the message where I could; if it still stands here, delete it. Whoever owns the key should revoke it and make a new one.',
    inGroups: NOT_ANSWERED,
  },
  'message-too-long': { say: () => generalText.tooLong(TURN_TEXT_LIMIT).markdown },
  'nothing-to-read': {
    say: () =>
      'There is nothing in this message that I can read. I take text, images (with models that see) and text files.',
  },
  'input-flagged': {
    say: ({ suspension }) => moderationText.inputFlagged(suspension),
    inGroups: 'I did not pass this on: moderation found in it what the house may not answer.',
  },
  'output-flagged': {
    say: ({ suspension }) => moderationText.outputFlagged(suspension),
    inGroups: 'I took this answer back: moderation found in it what I may not show.',
  },
  distress: { say: () => moderationText.distress(), inGroups: NOT_ANSWERED, inDirectChat: true },
  suspended: {
    say: ({ suspension }) => moderationText.suspended(suspension),
    buttons: BRING_A_KEY,
    inGroups: NOT_ANSWERED,
    inDirectChat: true,
  },
  'moderation-down': {
    say: () => moderationText.down(),
    buttons: BRING_A_KEY,
    inGroups: 'I can’t answer this at the moment. Try again in a few minutes.',
  },
  internal: {
    say: () =>
      'Something went wrong on my side, several times in a row. Nothing was counted; please try again later.',
    inGroups: 'Something went wrong on my side, several times in a row. Please try again later.',
  },
} as const satisfies Record<string, OutcomeText>;

export type Outcome = keyof typeof OUTCOMES;

export function isOutcome(code: string): code is Outcome {
  return Object.hasOwn(OUTCOMES, code);
}

export interface OutcomeNotice extends Notice {
  /** Set where only the sender should read the notice in a group: what everybody may read. */
  readonly inGroups: string | undefined;
  readonly inDirectChat: boolean;
}

export function outcomeNotice(outcome: Outcome, facts: OutcomeFacts): OutcomeNotice {
  const text: OutcomeText = OUTCOMES[outcome];
  return {
    markdown: text.say(facts),
    ...(text.buttons === undefined ? {} : { buttons: text.buttons }),
    inGroups: text.inGroups,
    inDirectChat: text.inDirectChat ?? false,
  };
}
