/** Sentences that belong to no single part: greeting, help, refusals. */

import type { Notice } from '../chat/platform.ts';
import { formatUsd } from '../funding/money.ts';
import type { PlanLimit } from '../funding/plans-file.ts';
import { codeHelpMenu } from './code-help.ts';
import { counted } from './counted.ts';
import { escapeMarkdown, inlineCode, time } from './markdown.ts';
import { givesNothing, givesText } from './plans.ts';

/** Below an answer, or instead of one. */
export const QUOTED_IS_HIDDEN = `I can’t read the message that you replied to. Use **${codeHelpMenu[0]?.label}** in the menu of that very message (under Apps), or paste the code into your question.`;

/** What the house gives, to whom it gives something. */
function houseLine(facts: {
  readonly gives: PlanLimit;
  readonly offline: boolean;
  readonly model: string;
}): string {
  return facts.offline
    ? `**The house** gives you ${givesText({ ...facts.gives, micros: null })}. It has no key yet, so a built-in offline provider answers, which can only show how I work.`
    : `**The house** gives you ${givesText(facts.gives)}, answered by ${inlineCode(facts.model)}.`;
}

export const generalText = {
  greeting: (facts: {
    /** Keys are taken through a form alone: messages with keys can't be deleted. */
    keysByForm: boolean;
    /** What the free plan gives a day. */
    gives: PlanLimit;
    offline: boolean;
    model: string;
  }): Notice => ({
    markdown: [
      'Hello! I am **Latchkey**: ask me anything, best about code.',
      ...(givesNothing(facts.gives) ? [] : [houseLine(facts)]),
      givesNothing(facts.gives)
        ? '**Bring your own key** (OpenAI, Anthropic and others) to be answered: send /setkey. Your provider bills you directly; /limit caps what you spend here.'
        : '**Your own key** (OpenAI, Anthropic and others) lets you go on without a limit of ours: send /setkey. Your provider bills you directly.',
      `${facts.keysByForm ? 'A form takes the key, so that it stands in no message, and it is kept encrypted' : 'I delete the message that holds the key and keep it encrypted'}; /usage shows what was spent, /delkey deletes it.`,
      'By using me you accept the /terms; /privacy says what I keep, and /forget deletes it.',
    ].join('\n\n'),
    buttons: [
      [
        { label: 'Use my own key', directChat: 'setkey' },
        { label: 'Usage', directChat: 'usage' },
      ],
    ],
  }),

  help: (
    commands: readonly { name: string; description: string }[],
    facts: {
      /** `terminal`: there are no groups and no files. */
      where: 'group' | 'direct' | 'terminal';
      /** Commands can reply to a message; else there are commands in its menu. */
      commandsReply: boolean;
    },
  ): Notice => ({
    markdown: [
      facts.where === 'group'
        ? `In groups I answer when you mention me, reply to me, or send /ask. ${
            facts.commandsReply
              ? 'Reply to somebody’s message with /ask to ask about it.'
              : `For somebody’s code there is **${codeHelpMenu[0]?.label}** in the menu of that message, under Apps.`
          }`
        : facts.where === 'terminal'
          ? 'Just write to me. Several lines can be pasted in; Ctrl-C stops an answer.'
          : 'Just write to me; send text files and images along. In groups, mention me, reply to me, or send /ask.',
      '',
      ...commands
        .filter(({ description }) => description !== '')
        .map(({ name, description }) => `/${name} – ${description}`),
    ].join('\n'),
  }),

  newConversation: (): Notice => ({
    markdown: 'A new conversation: nothing said before goes to a model any more.',
  }),
  stopped: (running: number, waiting: number): Notice => ({
    markdown:
      running + waiting === 0
        ? 'Nothing of yours is running here.'
        : waiting === 0
          ? 'Stopping.'
          : `${running > 0 ? 'Stopping, and dropped' : 'Dropped'} ${counted(waiting, 'waiting message')}.`,
  }),

  notYoursToStop: (): Notice => ({
    markdown: 'Only the person who asked can stop this answer.',
  }),

  askWhat: (): Notice => ({
    markdown:
      'Ask behind the command, like `/ask what does this do?`, or reply with it to a message.',
  }),
  /** Code help on a message without code, or on none. */
  noCodeThere: (): Notice => ({
    markdown:
      'There is nothing in that message that I can read. I need one with text, or with a text file of up to 256 kB.',
  }),
  /** The platform kept the text of the message that was replied to. */
  quotedIsHidden: (): Notice => ({ markdown: QUOTED_IS_HIDDEN }),
  unknownCommand: (name: string): Notice => ({
    markdown: `I don’t know ${inlineCode(`/${name.slice(0, 32)}`)}. /help shows what I know.`,
  }),
  onlyInDirectChat: (name: string): Notice => ({
    markdown: `${inlineCode(`/${name}`)} is for our private chat.`,
    buttons: [[{ label: 'Open the private chat', directChat: name }]],
  }),
  mailboxFull: (limit: number, dropped: number): Notice => ({
    markdown: `You have ${limit} ${limit === 1 ? 'message' : 'messages'} waiting already; I dropped ${dropped === 1 ? 'this one' : `these ${dropped}`}. Wait for an answer, or send /stop to drop what waits.`,
  }),
  tooLong: (limit: number): Notice => ({
    markdown: `That is more than ${limit.toLocaleString('en-US')} characters. Send it as a text file of up to 256 kB, or in smaller parts.`,
  }),
  nothingToRead: (): Notice => ({
    markdown:
      'There is nothing in this message that I can read. I take text, images (with models that see) and text files up to 256 kB.',
  }),
  /** On the button that leads to what only one person may read. */
  details: { label: 'Details' },
  forYouAlone: (): Notice => ({ markdown: 'I have a note about this for you alone.' }),
  forSomebodyElse: (): Notice => ({ markdown: 'This note is for the person who asked.' }),
  noLongerHeld: (): Notice => ({ markdown: 'This note is no longer there. Ask once more.' }),

  /** In the direct chat, where an answer could not be shown in its own place in time. */
  answerTooLate: (turnId: number): Notice => ({
    markdown:
      'An answer to you took longer than this platform lets me show it where you asked. It is kept for you.',
    buttons: [[{ label: 'Continue', action: `continue:${turnId}` }]],
  }),
  /** … where it can't stand in its own place at all. */
  answerHasNoPlace: (turnId: number): Notice => ({
    markdown:
      'I could not put my answer where you asked: I may not write there, or the place is gone. It is kept for you.',
    buttons: [[{ label: 'Continue', action: `continue:${turnId}` }]],
  }),
  couldNotAnswerThere: (): Notice => ({
    markdown:
      'I could not answer where you asked: I may not write there, or the place is gone. Please ask me here or elsewhere.',
  }),
  /** To those whose questions waited, or were being answered, there. */
  placeIsGone: (): Notice => ({
    markdown:
      'The place where you asked me is gone, or I was removed from it: your question there will not be answered. Please ask me here or elsewhere.',
  }),
  continuesLater: (): Notice => ({ markdown: 'I go on here as soon as the answer is there.' }),
  nothingToContinue: (): Notice => ({ markdown: 'Nothing of this answer is left to send.' }),
  notYoursToContinue: (): Notice => ({
    markdown: 'This answer goes on for the person who asked, when they press this.',
  }),

  failed: (): Notice => ({
    markdown: 'Something went wrong on my side. Please try again.',
  }),
  interruptedRefusal: (): Notice => ({
    markdown:
      'I was restarted before I could tell you: I did not take in what you sent last. Please send what is still missing again.',
  }),

  interruptedCommand: (): Notice => ({
    markdown:
      'I was restarted while I worked on your last command. Look what became of it, and send it again if need be.',
  }),

  consent: (): Notice => ({
    markdown:
      'In groups, what others said there with me is sent along as context for your questions, at most some 4,000 tokens each, on your own key’s bill. Only your own messages start an answer on your key. Do you agree, for all groups?',
  }),
  consented: (): Notice => ({ markdown: 'Agreed. I answer your question in the group now.' }),
  consentedOnly: (): Notice => ({ markdown: 'Agreed. Ask again in the group.' }),

  /** For the operator. */
  keyRing: (sentence: string): Notice => ({ markdown: escapeMarkdown(sentence) }),

  houseKeyFailed: (provider: string, code: string): Notice => ({
    markdown: `**The house key fails** at ${provider} (${inlineCode(code)}). House turns are refused until it works again; it is tried every half minute. Users keep their allowance. ${time(new Date())}`,
  }),

  /** @param differences money in micros */
  ledgerDiffers: (
    differences: readonly {
      readonly holder: string;
      readonly period: string;
      readonly turns: number;
      readonly spentMicros: number;
      readonly reservedMicros: number;
      readonly grantedMicros: number;
    }[],
  ): Notice => ({
    markdown: [
      '**The ledger does not add up.** These budgets differ from the rows that they are made of; nothing was changed:',
      ...differences
        .slice(0, 10)
        .map(
          (d) =>
            `- ${escapeMarkdown(d.holder)}, ${d.period}: ${d.turns} turns, ${formatUsd(d.spentMicros)} spent, ${formatUsd(d.reservedMicros)} reserved, ${formatUsd(d.grantedMicros)} granted`,
        ),
      ...(differences.length > 10 ? [`- and ${differences.length - 10} more`] : []),
    ].join('\n'),
  }),
};
