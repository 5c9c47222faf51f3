/** Sentences about API keys. */

import type { Notice } from '../chat/platform.ts';
import { inlineCode, time } from './markdown.ts';

export interface ProviderText {
  readonly id: string;
  readonly name: string;
  /** Page where one gets a key. */
  readonly keyPage: string;
  /** Page where one sets a spending limit. */
  readonly limitPage?: string | undefined;
  /** Set where keys go to another host than the vendor's. */
  readonly otherHost?: string | undefined;
}

const CANCEL = { label: 'Cancel', action: 'setkey:cancel' } as const;

export const keysText = {
  chooseProvider: (providers: readonly ProviderText[]): Notice => ({
    markdown:
      'Whose key do you want to use? Your provider then bills you directly, and nobody else can use the key. It is kept encrypted, and I delete the message that holds it.',
    buttons: [
      ...pairs(providers.map((p) => ({ label: p.name, action: `setkey:${p.id}` }))),
      [CANCEL],
    ],
  }),

  askForKey: (provider: ProviderText): Notice => ({
    markdown: [
      `Get a key for **${provider.name}** on its page, best one made just for Latchkey${provider.limitPage === undefined ? '' : ', and set a spending limit there'}.`,
      ...(provider.otherHost === undefined
        ? []
        : [
            `**This installation sends ${provider.name} keys to ${inlineCode(provider.otherHost)}, not to ${provider.name} itself.** Go on only if you trust that host with your key.`,
          ]),
      'Then send me the key as your next message, within ten minutes. I delete that message at once, and nothing that you write until then goes to a model.',
    ].join('\n\n'),
    buttons: [
      [
        { label: 'Get a key', url: provider.keyPage },
        ...(provider.limitPage === undefined
          ? []
          : [{ label: 'Set a limit', url: provider.limitPage }]),
      ],
      [CANCEL],
    ],
  }),

  promptCancelled: (): Notice => ({ markdown: 'Cancelled. No key was taken.' }),
  promptOver: (): Notice => ({ markdown: 'This has ended. Send /setkey to begin again.' }),

  checking: (provider: string): Notice => ({ markdown: `Checking the key with ${provider}…` }),

  saved: (facts: {
    provider: string;
    hint: string;
    state: 'valid' | 'limited' | 'unchecked';
    replaced: boolean;
    deleted: boolean;
  }): Notice => ({
    markdown: [
      `${facts.replaced ? 'Replaced' : 'Saved'}: your ${facts.provider} key ending in ${inlineCode(facts.hint)}.`,
      {
        valid: `${facts.provider} accepts it. From now on it pays for your messages, and ${facts.provider} bills you directly.`,
        limited: `It is a restricted key: it may not list models, so I offer the usual ones in /model. From now on it pays for your messages.`,
        unchecked: `${facts.provider} did not answer, so I could not check it. I try it with your next message.`,
      }[facts.state],
      ...(facts.deleted ? [] : [COULD_NOT_DELETE]),
    ].join('\n\n'),
    buttons: [
      [
        { label: 'Choose a model', action: 'run:model' },
        { label: 'My keys', action: 'run:keys' },
      ],
    ],
  }),

  refused: (
    reason: 'invalid' | 'admin-key' | 'login-token' | 'unrecognised',
    provider: string,
    deleted: boolean,
  ): Notice => ({
    markdown: [
      {
        invalid: `${provider} does not accept this key. Look whether all of it was copied, or make a new one. I kept nothing.`,
        'admin-key':
          'This is an administrator’s key: it can manage a whole account, which I must never hold. Please make an ordinary API key. I kept nothing.',
        'login-token':
          'This is a login token of an app, not an API key: using it elsewhere may get the account closed. Please make an API key. I kept nothing.',
        unrecognised: `This does not look like a key for ${provider}. I kept nothing. Send the key again, or press Cancel.`,
      }[reason],
      ...(deleted ? [] : [COULD_NOT_DELETE]),
    ].join('\n\n'),
    buttons: [[{ label: 'Try again', action: 'run:setkey' }]],
  }),

  notRecognised: (deleted: boolean): Notice => ({
    markdown: [
      'I don’t recognise this as a key of a provider that I know. Choose the provider first, then send the key.',
      ...(deleted ? [] : [COULD_NOT_DELETE]),
    ].join('\n\n'),
    buttons: [[{ label: 'Choose the provider', action: 'run:setkey' }]],
  }),

  tooManyChecks: (retryAt: Date): Notice => ({
    markdown: `That were too many keys in one minute. Try again ${time(retryAt)}. I kept nothing.`,
  }),

  pasted: (facts: {
    provider: string;
    hint: string;
    id: number;
    deleted: boolean;
    otherHost?: string | undefined;
  }): Notice => ({
    markdown: [
      `That was an API key for ${facts.provider}, ending in ${inlineCode(facts.hint)}. ${facts.deleted ? 'I deleted the message, and' : 'It'} went to no model. Shall I use it for your messages?`,
      ...(facts.otherHost === undefined
        ? []
        : [`This installation sends ${facts.provider} keys to ${inlineCode(facts.otherHost)}.`]),
      'If you did not mean to paste it, revoke it at its provider and make a new one. I forget it in ten minutes.',
      ...(facts.deleted ? [] : [COULD_NOT_DELETE]),
    ].join('\n\n'),
    buttons: [
      [
        { label: 'Use this key', action: `setkey:use-${facts.id}` },
        { label: 'Forget it', action: `setkey:drop-${facts.id}` },
      ],
    ],
  }),

  pastedGone: (): Notice => ({
    markdown: 'I no longer have this key. Send it again with /setkey.',
  }),
  pastedDropped: (): Notice => ({
    markdown: 'Forgotten. If others could see it, revoke it at its provider.',
  }),

  /** For a key where it must not be: a group, an edit, a caption, a file, a forward. */
  exposed: (deleted: boolean): Notice => ({
    markdown: deleted
      ? 'Your message held an API key. I deleted it and used it for nothing. Others may have seen it: revoke it at its provider and make a new one. Keys belong in our private chat, with /setkey.'
      : 'Your message holds an API key, and I could not delete it. Delete it now, revoke the key at its provider and make a new one. I used it for nothing. Keys belong in our private chat, with /setkey.',
    buttons: [[{ label: 'Open the private chat', directChat: 'setkey' }]],
  }),

  exposedByQuoted: (deleted: boolean): Notice => ({
    markdown: `The message that this replied to ${deleted ? 'held an API key. I deleted it and sent the key to nobody' : 'holds an API key. I could not delete it, and sent the key to nobody'}. Whoever owns the key should revoke it at its provider and make a new one.`,
  }),

  onlyInPrivate: (): Notice => ({
    markdown: 'Keys belong in our private chat, never in a group.',
    buttons: [[{ label: 'Open the private chat', directChat: 'setkey' }]],
  }),

  list: (
    keys: readonly {
      provider: string;
      id: string;
      hint: string;
      state: 'valid' | 'limited' | 'unchecked' | 'refused';
      createdAt: Date;
      lastUsedAt: Date | null;
    }[],
  ): Notice =>
    keys.length === 0
      ? {
          markdown:
            'You have no key here. Your messages are paid by the free allowance: see /usage.',
          buttons: [[{ label: 'Add a key', action: 'run:setkey' }]],
        }
      : {
          markdown: [
            '**Your keys**',
            ...keys.map(
              (key) =>
                `- **${key.provider}** …${inlineCode(key.hint)}: ${STATES[key.state]}; added ${time(key.createdAt)}, ${key.lastUsedAt === null ? 'not used yet' : `last used ${time(key.lastUsedAt)}`}`,
            ),
            '',
            'They are kept encrypted; nobody but you can use them, and nobody can see them.',
          ].join('\n'),
          buttons: [
            ...keys.map((key) => [
              { label: `Replace ${key.provider}`, action: `setkey:${key.id}` },
              { label: `Delete ${key.provider}`, action: `delkey:${key.id}` },
            ]),
            [
              { label: 'Add a key', action: 'run:setkey' },
              { label: 'History', action: 'run:keyhistory' },
            ],
          ],
        },

  chooseToDelete: (keys: readonly { provider: string; id: string }[]): Notice => ({
    markdown: 'Which key shall I delete?',
    buttons: keys.map((key) => [{ label: key.provider, action: `delkey:${key.id}` }]),
  }),
  deleted: (provider: string): Notice => ({
    markdown: `Deleted: your ${provider} key. If you need it nowhere else, revoke it at ${provider} too.`,
  }),
  nothingToDelete: (): Notice => ({ markdown: 'There is no such key.' }),
};

const COULD_NOT_DELETE =
  '**I could not delete the message that held the key.** Please delete it yourself, then revoke the key at its provider and make a new one: whoever can read this chat can read the key.';

const STATES = {
  valid: 'works',
  limited: 'works, restricted',
  unchecked: 'not checked yet',
  refused: '**refused by its provider**',
} as const;

function pairs<T>(items: readonly T[]): readonly (readonly T[])[] {
  const rows: T[][] = [];
  for (let i = 0; i < items.length; i += 2) rows.push(items.slice(i, i + 2));
  return rows;
}
