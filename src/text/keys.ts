/** Sentences about API keys. */

import type { Deletion, Notice } from '../chat/platform.ts';
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

/** What became of the message that held a key; `none`: a form brought it, no message holds it. */
export type MessageWithKey = Deletion | 'none';

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
    message: MessageWithKey;
    /** Set where another key of theirs answers: whose, and what names the saved one in a button. */
    other?: { readonly provider: string; readonly ref: string } | undefined;
  }): Notice => ({
    markdown: [
      `${facts.replaced ? 'Replaced' : 'Saved'}: your ${facts.provider} key ending in ${inlineCode(facts.hint)}.`,
      {
        valid: `${facts.provider} accepts it.`,
        limited: `It is a restricted key: it may not list models, so I offer the usual ones in /model.`,
        unchecked: `${facts.provider} did not answer, so I could not check it.`,
      }[facts.state],
      facts.other !== undefined
        ? `Your messages are still answered with your ${facts.other.provider} key, which is your default.`
        : facts.state === 'unchecked'
          ? 'I try it with your next message.'
          : `From now on it pays for your messages, and ${facts.provider} bills you directly.`,
      ...couldNotDelete(facts.message),
    ].join('\n\n'),
    buttons: [
      ...(facts.other === undefined
        ? []
        : [[{ label: 'Make default', action: `keys:default-${facts.other.ref}` }]]),
      [
        { label: 'Choose a model', action: 'run:model' },
        { label: 'My keys', action: 'run:keys' },
      ],
    ],
  }),

  refused: (
    reason: 'invalid' | 'admin-key' | 'login-token' | 'unrecognised',
    provider: string,
    message: MessageWithKey,
  ): Notice => ({
    markdown: [
      {
        invalid: `${provider} does not accept this key. Look whether all of it was copied, or make a new one. I kept nothing.`,
        'admin-key':
          'This is an administrator’s key: it can manage a whole account, which I must never hold. Please make an ordinary API key. I kept nothing.',
        'login-token':
          'This is a login token of an app, not an API key: using it elsewhere may get the account closed. Please make an API key. I kept nothing.',
        unrecognised: `This does not look like a key for ${provider}. I kept nothing.${message === 'none' ? '' : ' Send the key again, or press Cancel.'}`,
      }[reason],
      ...couldNotDelete(message),
    ].join('\n\n'),
    buttons: [
      [
        { label: 'Try again', action: 'run:setkey' },
        ...(reason === 'unrecognised' && message !== 'none' ? [CANCEL] : []),
      ],
    ],
  }),

  notRecognised: (message: MessageWithKey): Notice => ({
    markdown: [
      'I don’t recognise this as a key of a provider that I know. Choose the provider first, then send the key.',
      ...couldNotDelete(message),
    ].join('\n\n'),
    buttons: [[{ label: 'Choose the provider', action: 'run:setkey' }]],
  }),

  tooManyChecks: (retryAt: Date): Notice => ({
    markdown: `Those were too many keys in one minute. Try again ${time(retryAt)}. I kept nothing.`,
  }),

  pasted: (facts: {
    provider: string;
    hint: string;
    id: number;
    message: MessageWithKey;
    otherHost?: string | undefined;
  }): Notice => ({
    markdown: [
      `That was an API key for ${facts.provider}, ending in ${inlineCode(facts.hint)}. ${facts.message === 'deleted' ? 'I deleted the message, and it' : 'It'} went to no model. Shall I use it for your messages?`,
      ...(facts.otherHost === undefined
        ? []
        : [`This installation sends ${facts.provider} keys to ${inlineCode(facts.otherHost)}.`]),
      'If you did not mean to paste it, revoke it at its provider and make a new one. I forget it in ten minutes.',
      ...couldNotDelete(facts.message),
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
  exposed: (message: MessageWithKey): Notice => ({
    markdown: {
      deleted:
        'Your message held an API key. I deleted it and used it for nothing. Others may have seen it: revoke it at its provider and make a new one. Keys belong in our private chat, with /setkey.',
      refused:
        'Your message holds an API key, and I could not delete it. Delete it now, revoke the key at its provider and make a new one. I used it for nothing. Keys belong in our private chat, with /setkey.',
      none: 'That held an API key. I used it for nothing and kept it nowhere; to be safe, revoke it at its provider and make a new one. Keys belong in our private chat, with /setkey.',
    }[message],
    buttons: [[{ label: 'Open the private chat', directChat: 'setkey' }]],
  }),

  /** In the direct chat of a platform where bots delete nothing: the key must not be used. */
  leaked: (): Notice => ({
    markdown:
      '**Your message holds an API key, and here I can’t delete it.** I did not use it, keep it or send it on. Please delete the message yourself, revoke the key at its provider and make a new one. Then give me the new one through the form behind the button, never in a message.',
    buttons: [[{ label: 'Enter a key safely', action: 'run:setkey' }]],
  }),

  /** Where keys are taken by a form alone. */
  useTheForm: (): Notice => ({
    markdown:
      'I take a key through a form only, so that it stands in no message. Your provider then bills you directly, and nobody else can use the key; it is kept encrypted.',
    buttons: [[{ label: 'Enter a key safely', action: 'run:setkey' }]],
  }),

  exposedByQuoted: (deleted: boolean): Notice => ({
    markdown: `The message that this replied to ${deleted ? 'held an API key. I deleted it and sent the key to nobody' : 'holds an API key. I could not delete it, and sent the key to nobody'}. Whoever owns the key should revoke it at its provider and make a new one.`,
  }),

  onlyInPrivate: (): Notice => ({
    markdown: 'Keys belong in our private chat, never in a group.',
    buttons: [[{ label: 'Open the private chat', directChat: 'setkey' }]],
  }),
};

const COULD_NOT_DELETE =
  '**I could not delete the message that held the key.** Please delete it yourself, then revoke the key at its provider and make a new one: whoever can read this chat can read the key.';

function couldNotDelete(message: MessageWithKey): readonly string[] {
  return message === 'refused' ? [COULD_NOT_DELETE] : [];
}

function pairs<T>(items: readonly T[]): readonly (readonly T[])[] {
  const rows: T[][] = [];
  for (let i = 0; i < items.length; i += 2) rows.push(items.slice(i, i + 2));
  return rows;
}
