/** What /link and /unlink say. */

import type { Notice } from '../chat/platform.ts';
import { inlineCode, time } from './markdown.ts';

const PLATFORMS: Readonly<Record<string, string>> = {
  telegram: 'Telegram',
  discord: 'Discord',
  terminal: 'the terminal',
};

export const platformTitle = (platform: string): string => PLATFORMS[platform] ?? platform;

export const linkingText = {
  code: (code: string, expiresAt: Date): Notice => ({
    markdown: [
      'To use your keys, allowance and settings on another platform too, send me this in our private chat **there**:',
      inlineCode(`/link ${code}`),
      `It works once, until ${time(expiresAt)}. **Show it to nobody**: whoever sends it in can join their account with yours and use your keys.`,
    ].join('\n\n'),
  }),

  tooManyCodes: (retryAt: Date): Notice => ({
    markdown: `Those were enough codes for now. You can have the next one ${time(retryAt)}.`,
  }),
  tooManyTries: (retryAt: Date): Notice => ({
    markdown: `Too many wrong codes. I take the next one ${time(retryAt)}.`,
  }),
  wrong: (): Notice => ({
    markdown:
      'I don’t know this code: it is over, was used, or is mistyped. Send /link on the other platform for a new one.',
  }),
  own: (): Notice => ({
    markdown: 'This is the code that you made here. Send it to me on the **other** platform.',
  }),
  samePlatform: (): Notice => ({
    markdown:
      'This code was made on this same platform. Only accounts of different platforms can be linked.',
  }),
  alreadyLinked: (platforms: readonly string[]): Notice => ({
    markdown: `Your accounts are linked: ${platforms.map(platformTitle).join(', ')}. /unlink separates them.`,
  }),

  confirm: (facts: {
    id: number;
    here: string;
    there: string;
    bothHave: readonly { provider: string; stays: string; aside: string }[];
  }): Notice => {
    const [here, there] = [platformTitle(facts.here), platformTitle(facts.there)];
    return {
      markdown: [
        `Shall I join your account here with the one on **${there}** that made this code?`,
        [
          `- **Keys**: both sides use the keys of both.`,
          ...facts.bothHave.map(
            (both) =>
              `- Both have a **${both.provider}** key: the one from here (…${inlineCode(both.stays)}) is used; the other (…${inlineCode(both.aside)}) is put aside, and comes back with /unlink.`,
          ),
          '- **Free allowance**: one for both. What both have used today is added up, and /unlink does not give it back.',
          '- **Usage**: /usage shows both together.',
          '- **Settings**: those from here stay; a model is taken over from there where none was chosen here.',
          '- **Messages** wait in one line: one is answered after the other, wherever it was sent. What was said in a chat stays in that chat.',
        ].join('\n'),
        `**Only go on if you made the code yourself, on ${there}, just now.** If somebody sent it to you, they want to use your keys.`,
      ].join('\n\n'),
      buttons: [
        [
          { label: `Join ${here} and ${there}`, action: `link:yes-${facts.id}` },
          { label: 'No', action: `link:no-${facts.id}` },
        ],
      ],
    };
  },

  busy: (action: string): Notice => ({
    markdown:
      'One of your messages is still waiting or being answered, here or on the other platform. Nothing was changed: press again when the answer is there.',
    buttons: [[{ label: 'Try again', action }]],
  }),
  platformTaken: (platform: string): Notice => ({
    markdown: `Together they would have two accounts on ${platformTitle(platform)}, and only accounts of different platforms can be linked. Nothing was changed; /unlink one side first.`,
  }),
  over: (): Notice => ({
    markdown: 'This code is over. Send /link on the other platform for a new one.',
  }),
  declined: (): Notice => ({ markdown: 'Nothing was changed, and the code is void.' }),
  /** @param whoPays from now on, a sentence */
  linked: (there: string, whoPays: string): Notice => ({
    markdown: `Joined with your account on ${platformTitle(there)}. Keys, allowance, usage and settings are one from now on. /unlink separates them again.\n\n${whoPays}`,
    buttons: [
      [
        { label: 'My keys', action: 'run:keys' },
        { label: 'Usage', action: 'run:usage' },
      ],
    ],
  }),
  /** For the side that made the code. */
  linkedThere: (here: string, whoPays: string): Notice => ({
    markdown: `Your account was joined with one on ${platformTitle(here)}, by the code that you made here. **If that was not you**, send /unlink at once, and revoke your keys at their providers.\n\n${whoPays}`,
    buttons: [[{ label: 'Separate them', action: 'run:unlink' }]],
  }),
  codeShown: (): Notice => ({
    markdown:
      'Others could read that code, so I made it void. Send /link for a new one, in our private chat.',
  }),

  notLinked: (): Notice => ({
    markdown: 'Your account here is linked to no other. /link links it.',
  }),
  confirmUnlink: (platforms: readonly string[]): Notice => ({
    markdown: [
      `Shall I separate your accounts on ${platforms.map(platformTitle).join(', ')}?`,
      [
        '- **Keys** go with the account that added them.',
        '- **Free allowance**: what was used today together stays counted on each side until tomorrow.',
        '- **Usage and messages** stay with the account that sent them.',
        '- **Settings** are copied.',
      ].join('\n'),
    ].join('\n\n'),
    buttons: [
      [
        { label: 'Separate them', action: 'unlink:yes' },
        { label: 'No', action: 'unlink:no' },
      ],
    ],
  }),
  unlinked: (whoPays: string): Notice => ({
    markdown: `Separated. Each account goes on by itself; /keys shows which keys are here.\n\n${whoPays}`,
  }),
  unlinkedThere: (from: string, whoPays: string): Notice => ({
    markdown: `Your account was separated from the one on ${platformTitle(from)}. /keys shows which keys are here.\n\n${whoPays}`,
  }),
  unlinkDeclined: (): Notice => ({ markdown: 'They stay linked.' }),
};
