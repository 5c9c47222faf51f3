/** Sentences about the keys that a user has here, and the buttons below each. */

import type { Button, Notice } from '../chat/platform.ts';
import { formatUsd } from '../funding/money.ts';
import type { CheckAgainResult, KeyState } from '../keys/api-keys.ts';
import { inlineCode, time } from './markdown.ts';

/** What names a key in a sentence and in the action of a button. */
export interface NamedKey {
  readonly provider: string;
  readonly hint: string;
  /** Names the key as it stands: `ID-VERSION`. */
  readonly ref: string;
}

export interface KeyFacts extends NamedKey {
  /** The provider's id. */
  readonly id: string;
  readonly state: KeyState;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
  readonly expiresAt: Date | null;
  /** What this month's turns on it have cost, so far as their prices are known. */
  readonly spentMicros: number;
  /** It is the one of several that answers. */
  readonly answers: boolean;
  /** How many keys the user has. */
  readonly isOneOf: number;
}

export const keyListText = {
  /** @param aside keys of linked accounts in whose place another serves */
  list: (
    keys: readonly KeyFacts[],
    aside: readonly { readonly provider: string; readonly hint: string }[] = [],
  ): Notice => {
    const [only] = keys;
    if (only === undefined) {
      return {
        markdown: 'You have no key here. /usage says who pays for your messages.',
        buttons: [[{ label: 'Add a key', action: 'run:setkey' }]],
      };
    }
    return {
      markdown: ['**Your keys**', ...keys.map(lineOf), ...aside.map(asideLineOf), '', KEPT].join(
        '\n',
      ),
      buttons: [
        ...(keys.length === 1
          ? buttonsOf(only)
          : keys.map((key) => [
              { label: `${key.provider} …${key.hint}`, action: `keys:open-${key.ref}` },
            ])),
        [
          { label: 'Add a key', action: 'run:setkey' },
          { label: 'History', action: 'run:keyhistory' },
        ],
      ],
    };
  },

  one: (key: KeyFacts, remark?: string): Notice => ({
    markdown: [...(remark === undefined ? [] : [remark, '']), lineOf(key)].join('\n'),
    buttons: [...buttonsOf(key), [{ label: 'All my keys', action: 'run:keys' }]],
  }),

  /** @returns undefined where the key is gone */
  checked: (checked: CheckAgainResult): string | undefined => {
    switch (checked.result) {
      case 'checked':
        return CHECKED[checked.state];
      case 'no-answer':
        return 'Its provider did not answer, so nothing was changed. That is not the key’s fault; try again later.';
      case 'rate-limited':
        return `That were too many checks in one minute. Try again ${time(checked.retryAt)}.`;
      case 'does-not-open':
        return '**What I keep of this key does not open any more.** Please send it again with “Replace”.';
      case 'gone':
        return undefined;
    }
  },

  isDefault: (provider: string): string =>
    `From now on your ${provider} key answers. /model chooses the model.`,

  chooseForget: ({ provider, hint, ref }: NamedKey, days: readonly number[]): Notice => ({
    markdown: `When shall I forget your ${provider} key ending in ${inlineCode(hint)}? The days count from now; a key that replaces it is kept as long.`,
    buttons: [
      days.map((n) => ({ label: `After ${n} days`, action: `keys:after${n}-${ref}` })),
      [
        { label: 'Never by itself', action: `keys:keep-${ref}` },
        { label: 'Back', action: `keys:open-${ref}` },
      ],
    ],
  }),
  forgetSet: (days: number | null): string =>
    days === null
      ? 'I keep this key until you delete it.'
      : `I forget this key in ${days} days, and tell you then.`,

  confirmDelete: ({ provider, hint, ref }: NamedKey): Notice => ({
    markdown: `Delete your ${provider} key ending in ${inlineCode(hint)}? It is destroyed here at once and can’t be brought back; at ${provider} it stays good until you revoke it there.`,
    buttons: [
      [
        { label: 'Yes, delete it', action: `keys:deleted-${ref}` },
        { label: 'No, keep it', action: `keys:open-${ref}` },
      ],
    ],
  }),
  chooseToDelete: (keys: readonly NamedKey[]): Notice => ({
    markdown: 'Which key shall I delete?',
    buttons: keys.map(({ provider, hint, ref }) => [
      { label: `${provider} …${hint}`, action: `keys:delete-${ref}` },
    ]),
  }),
  /** @param whoPays from now on, a sentence */
  deleted: (provider: string, whoPays: string): Notice => ({
    markdown: `Deleted: your ${provider} key. If you need it nowhere else, revoke it at ${provider} too. ${whoPays}`,
    buttons: [[{ label: 'My keys', action: 'run:keys' }]],
  }),
  nothingToDelete: (): Notice => ({ markdown: 'There is no such key.' }),

  /** A button below an older view. */
  gone: (): Notice => ({
    markdown: 'This key was replaced or deleted in the meantime; nothing was changed.',
    buttons: [[{ label: 'My keys', action: 'run:keys' }]],
  }),

  /** Sent unasked, when a key's time was over. */
  forgotten: (provider: string, hint: string, whoPays: string): Notice => ({
    markdown: `As you wished, I have forgotten your ${provider} key ending in ${inlineCode(hint)}. At ${provider} it stays good until you revoke it there. ${whoPays}`,
    buttons: [[{ label: 'Add a key', action: 'run:setkey' }]],
  }),
};

const KEPT =
  'They are kept encrypted; nobody but you can use them, and nobody can see them. /limit sets what they may spend.';

const STATES = {
  valid: 'works',
  limited: 'works, restricted',
  unchecked: 'not checked yet',
  refused: '**refused by its provider**, not used any more',
} as const satisfies Record<KeyState, string>;

const CHECKED = {
  valid: 'Its provider accepts it.',
  limited: 'Its provider accepts it. It is a restricted key: it may not list models.',
  unchecked: 'It could not be checked.',
  refused:
    '**Its provider refuses it**: it was revoked, or has expired there. Replace it or delete it.',
} as const satisfies Record<KeyState, string>;

function asideLineOf({ provider, hint }: { readonly provider: string; readonly hint: string }) {
  return `- **${provider}** …${inlineCode(hint)}: put aside while your accounts are linked; back in use after /unlink`;
}

function lineOf(key: KeyFacts): string {
  const facts = [
    STATES[key.state],
    ...(key.answers ? ['**answers your messages**'] : []),
    `added ${time(key.createdAt)}`,
    key.lastUsedAt === null ? 'not used yet' : `last used ${time(key.lastUsedAt)}`,
    `this month ${formatUsd(key.spentMicros)}`,
    ...(key.expiresAt === null ? [] : [`forgotten ${time(key.expiresAt)}`]),
  ];
  return `- **${key.provider}** …${inlineCode(key.hint)}: ${facts.join('; ')}`;
}

function buttonsOf({
  ref,
  id,
  provider,
  answers,
  isOneOf,
  state,
}: KeyFacts): readonly (readonly Button[])[] {
  const mayBeDefault = isOneOf > 1 && !answers && state !== 'refused';
  return [
    [
      { label: 'Check again', action: `keys:check-${ref}` },
      ...(mayBeDefault ? [{ label: 'Make default', action: `keys:default-${ref}` }] : []),
    ],
    [
      { label: `Replace ${provider}`, action: `setkey:${id}` },
      { label: `Delete ${provider}`, action: `keys:delete-${ref}` },
    ],
    [{ label: 'Forget it after…', action: `keys:forget-${ref}` }],
  ];
}
