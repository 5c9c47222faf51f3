/** What /privacy says unless the operator says it with PRIVACY_FILE. True to the code, to be changed with it. */

import { inlineCode } from './markdown.ts';

export interface PrivacyFacts {
  /** HISTORY_DAYS */
  readonly historyDays: number;
  /** Undefined: the built-in offline provider, to which nothing leaves the machine. */
  readonly house:
    | { readonly providerName: string; readonly model: string; readonly host: string | undefined }
    | undefined;
  /** Undefined: nothing is moderated. */
  readonly moderation:
    | {
        /** Of the house key for OpenAI, or of one that moderates alone. */
        readonly keyOf: 'house' | 'moderation';
        /** Where the words are sent, if that is not OpenAI. */
        readonly host: string | undefined;
        readonly ownKeysToo: boolean;
        /** MODERATION_DAYS */
        readonly days: number;
      }
    | undefined;
  /** Providers whose keys and words go to another host than their own. */
  readonly otherHosts: readonly { readonly providerName: string; readonly host: string }[];
}

export function privacyText(facts: PrivacyFacts): string {
  const days = inDays(facts.historyDays);
  return [
    '## Privacy',

    '**What is kept, and for how long**',
    [
      `- Your messages to me and my answers, as context for your next questions: for ${days} after each answer, and then deleted by a job that runs every ten minutes. Files are fetched when they are needed and not kept.`,
      `- Where you wrote, and the numbers of messages, so that nothing is answered twice: for as long as that, at least two days.`,
      '- Your account’s number on the platform, your settings, and what each answer cost and took: until you send /forget. A free allowance is counted by day, and by week and month where your plan says so; which plan the operator granted you is kept with it.',
      '- Your API keys, with their last four characters in clear: until you delete them (/delkey, /keys), until the day that you chose, or until /forget. A pasted key that you did not confirm: ten minutes.',
      '- What was done with your keys and when, and what the operator decided about you (suspended, lifted, a plan) (an audit trail without the keys; “History” in /keys): under a fingerprint of your number here, for as long as this installation lasts.',
      '- Credits that you redeemed (/redeem), and what is left of them: until /forget. That you redeemed a code, on a fingerprint of your account, so that nobody redeems two of a kind: for as long as this installation lasts. Wrong codes, on the same fingerprint: ten minutes.',
      '- Something for you alone in a server, until you press its button: a day.',
      ...(facts.moderation === undefined
        ? []
        : [
            `- What moderation decided about a message or an answer, as scores without any words: for ${inDays(facts.moderation.days)}, for the operator alone.`,
          ]),
      '- Pools that you own or are in: their settings, who is in them under which name (encrypted with a key of the owner’s), and what each spent. The owner of a pool sees your name there, what you spend, and how often moderation flagged something; what you ask only where the pool said so before you joined, and from then on. Where you ask in a group that a pool pays for, its owner sees what that cost.',
      '- Warnings, pauses and suspensions, on a fingerprint of your account: until they are over and no longer count. What you write with /appeal, encrypted like your messages.',
    ].join('\n'),

    '**How it is sealed**',
    'Words and API keys are encrypted (AES-256-GCM) with a key of your own, which itself is encrypted by a key ring that is kept apart from the database. Nothing of it is in logs. Who runs this installation can, in the end, read what the running program reads: bring a key only to somebody you trust, and set a spending limit on it.',

    '**Where words travel**',
    [
      '- To the platform on which you write (Telegram, Discord or another), which sees and keeps the chat under its own rules.',
      `- To the provider that answers: the one of your key, or of the key of the pool that pays, or, on a credit and where the house pays, ${house(facts)} What they keep is theirs to say.`,
      '- In groups, what others said with me in the same thread goes along as context; on your own key only after you agreed.',
      ...facts.otherHosts.map(
        ({ providerName, host }) =>
          `- This installation sends words and keys for ${providerName} to ${inlineCode(host)}, not to ${providerName} itself.`,
      ),
      ...moderated(facts),
    ].join('\n'),

    '**Linked accounts** (/link) use each other’s keys and allowance; what you write stays encrypted with the key of the account that wrote it, and /unlink separates them again. A wrong code is remembered for ten minutes. /forget forgets all linked accounts.',

    '**Your API keys** are in clear only in your message until I have deleted it (or in the form that takes it), in memory while they are used, and on the way to their provider.',

    '**/export** gives you all of this as a file, without the keys.',

    '**/forget** deletes it at once: your keys, words, settings, the number of your account, and the key under which they are encrypted; what runs is stopped. My answers and what else I said in our private chat within the last two days are deleted there as far as the platform lets me; the rest of that chat only you can delete, and what stands in groups stays there. These stay:',
    [
      '- what answers cost, by day, under a random name that leads nowhere',
      '- a fingerprint of your account (it can’t be turned back into the number) with the time, so that you are forgotten again should an old backup be restored; and for two days, on the same fingerprint, what you had used of the free allowance (of a week or a month where it is counted so, until that is over) and when keys of yours were checked',
      '- what you had spent in a pool, on the same fingerprint: coming back renews no budget; pools of your own are closed, and their members told',
      '- a warning, a pause or a suspension that is in force, on the same fingerprint: forgetting lifts none',
      ...(facts.moderation === undefined
        ? []
        : [
            `- moderation’s scores, for the rest of their ${inDays(facts.moderation.days)}, under that random name`,
          ]),
      '- which codes were redeemed, on the same fingerprint: forgetting lets nobody redeem a second of a kind',
      '- the audit trail, under that fingerprint: nobody but the operator can find out whose it was, and only by guessing your account',
      '- backups that the operator made before: they hold your data until they are deleted. Keys and words in them stay encrypted, your account’s number and what answers cost do not; with the key ring from then, they can be opened',
      '- what others quoted of you in their own questions, until their words are deleted',
    ].join('\n'),
  ].join('\n\n');
}

function house({ house: payer }: PrivacyFacts): string {
  if (payer === undefined) {
    return 'a built-in stand-in that sends nothing anywhere.';
  }
  const at = payer.host === undefined ? '' : ` at ${inlineCode(payer.host)}`;
  return `${payer.providerName}${at} (${inlineCode(payer.model)}).`;
}

function moderated({ moderation, house: payer }: PrivacyFacts): readonly string[] {
  if (moderation === undefined) return ['- To nobody else. No moderation service reads along.'];
  const to = moderation.host === undefined ? 'OpenAI' : inlineCode(moderation.host);
  const key =
    moderation.keyOf === 'house'
      ? 'with the key of the house'
      : 'with a key of the operator’s that does nothing else';
  const shows =
    payer === undefined || payer.providerName === 'OpenAI'
      ? ''
      : ` So ${to} sees what was written for ${payer.providerName}.`;
  const whose = moderation.ownKeysToo
    ? 'All questions, also those on a key of your own, and their answers'
    : 'What is answered at the expense of the house, and the answers';
  return [
    `- To the moderation service of ${to}, ${key}: ${whose} are checked there (\`omni-moderation-latest\`), with images, files and what is sent along as context.${shows}${moderation.ownKeysToo ? '' : ' Turns on your own key are not checked.'}`,
    '- To nobody else.',
  ];
}

function inDays(days: number): string {
  return days === 1 ? 'one day' : `${days} days`;
}
