/** Sentences of /forget. */

import type { Notice } from '../chat/platform.ts';
import { counted } from './counted.ts';
import { inlineCode } from './markdown.ts';

export const forgetText = {
  ask: (facts: {
    token: string;
    keys: readonly { readonly provider: string; readonly hint: string }[];
    turns: number;
    open: number;
    platforms: readonly string[];
    deletesHere: boolean;
  }): Notice => ({
    markdown: [
      '**Forget everything about you?** This can’t be undone, and these go at once:',
      [
        facts.keys.length === 0
          ? '- your API keys (there are none)'
          : `- your API keys: ${facts.keys.map((k) => `${k.provider} ${inlineCode(`…${k.hint}`)}`).join(', ')}`,
        `- your messages to me and my answers: ${counted(facts.turns, 'question')} in all chats, groups too${facts.open === 0 ? '' : `; ${facts.open === 1 ? 'one' : String(facts.open)} of them still waits or runs, and is dropped`}`,
        `- your settings and who you are on ${facts.platforms.join(', ')}`,
        '- what is left of your credits',
        '- the key of your own under which all of this is encrypted',
        ...(facts.deletesHere
          ? [
              '- what I said in our private chat within the last two days, as far as I may delete it',
            ]
          : []),
      ].join('\n'),
      '**What stays**: what answers cost, under a random name; and, so that nobody is brought back out of a backup and no free allowance begins anew, a fingerprint of your account with today’s date and what you used of today’s allowance. What was said in groups stands there still. Revoke your keys at your provider if you are done with them: I can only delete my copy.',
      'The button works for five minutes. /export first, if you want a copy.',
    ].join('\n\n'),
    buttons: [
      [{ label: 'Forget everything', action: `forget:${facts.token}` }],
      [{ label: 'Keep it', action: 'forget:cancel' }],
    ],
  }),

  kept: (): Notice => ({ markdown: 'Nothing was forgotten.' }),
  over: (): Notice => ({
    markdown: 'This question is over; nothing was done. Send /forget to begin again.',
  }),
  /** Plain: the answer to a press of somebody who is not known. */
  already: (): string => 'You are forgotten already.',

  forgetting: (): Notice => ({
    markdown: 'Forgotten. I am deleting what I said in this chat now…',
  }),
  /** `left`: undefined where there is no chat that lasts. */
  done: (facts: { deleted: number; left: number | undefined }): Notice => ({
    markdown: [
      'Forgotten. Should you write again, you are new to me; today’s free allowance goes on where it was.',
      ...(facts.deleted === 0
        ? []
        : [`I deleted ${counted(facts.deleted, 'message')} of mine in our private chat.`]),
      ...(facts.left === undefined || facts.left === 0
        ? []
        : [
            `${facts.left === 1 ? 'One message of mine remains' : `${facts.left} messages of mine remain`} there that I may not delete, most likely because of their age.`,
          ]),
      facts.left === undefined
        ? 'What stands in this window stays until you clear it.'
        : 'Your own messages are still there, and the platform keeps them until you delete this chat.',
    ].join('\n\n'),
  }),
};
