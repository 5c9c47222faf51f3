/** Sentences for people whose data the operator's key ring can't open. */

import type { Notice } from '../chat/platform.ts';

export const sealedText = {
  lost: (): Notice => ({
    markdown: [
      '**I can’t open what you stored here.** The operator of this bot has lost the key that protects your API keys and your words. Nothing of yours was deleted: all of it opens again when they put that key back. They have been told.',
      'You need not wait: give me your API key again, or go on without it.',
    ].join('\n\n'),
    buttons: [
      [
        { label: 'Give my key again', action: 'run:setkey' },
        { label: 'Go on without it', action: 'afresh:go' },
      ],
    ],
  }),

  /** For everybody in a group. */
  lostInGroup: (): string =>
    'I can’t open what you stored here. Write to me in our private chat, and I tell you why.',

  begun: (): Notice => ({
    markdown:
      'Done: we begin afresh, and what you stored before stays sealed as it is. Please send your message again. If you had an API key here, give it to me again with /setkey.',
    buttons: [[{ label: 'Give my key again', action: 'run:setkey' }]],
  }),
};
