/** What /admin says of one user, and the buttons below it. */

import type { Button, Notice } from '../chat/platform.ts';
import { formatUsd } from '../funding/money.ts';
import { FREE_PLAN } from '../funding/plans-file.ts';
import type { Granted } from '../operator/deeds.ts';
import type { UserOverview } from '../operator/overview.ts';
import { escapeMarkdown, inlineCode, time } from './markdown.ts';

/** What a button does; `days` null: until it is lifted, or for good. */
export type UserDeed =
  | { readonly kind: 'lift' }
  | { readonly kind: 'suspend' | 'grant'; readonly days: number | null };

/** By their names in the buttons' actions. */
export const USER_DEEDS: Readonly<Record<string, UserDeed>> = {
  lift: { kind: 'lift' },
  suspend: { kind: 'suspend', days: null },
  suspend1: { kind: 'suspend', days: 1 },
  suspend7: { kind: 'suspend', days: 7 },
  grant: { kind: 'grant', days: null },
  grant30: { kind: 'grant', days: 30 },
};

/** Plans that have buttons; the others are typed. */
const MOST_PLANS = 8;

const HOME: readonly Button[] = [{ label: 'Overview', action: 'admin:home' }];

const todo = ({ seen, userId }: UserOverview, deed: string, plan?: string) =>
  `admin:do-${seen}-${userId}-${deed}${plan === undefined ? '' : `-${plan}`}`;
const back = ({ userId }: UserOverview): readonly Button[] => [
  { label: 'Back', action: `admin:user-${userId}` },
];
const named = ({ shortId, accounts }: UserOverview) =>
  `${inlineCode(shortId)} (${accounts.map(inlineCode).join(', ')})`;

/** What a grant came to. */
export function grantedSentence(who: string, plan: string, granted: Granted): string {
  switch (granted.result) {
    case 'granted':
      return granted.plan === FREE_PLAN && granted.until === null
        ? `${who} has the plan ${inlineCode(FREE_PLAN)} again.`
        : `${who} has the plan ${inlineCode(granted.plan)}${granted.until === null ? '' : ` until ${time(granted.until)}`}.`;
    case 'no-plan':
      return `There is no plan ${inlineCode(plan)}: PLANS_FILE has ${granted.plans.map(inlineCode).join(', ')}. Nothing was granted.`;
    case 'no-user':
      return `No user ${who} is known here: they never wrote, or were forgotten. Nothing was granted.`;
    case 'no-day':
      return 'The last day is written as 2026-12-31. Nothing was granted.';
    case 'day-is-over':
      return 'That day is over. Nothing was granted.';
  }
}

export const adminUserText = {
  user: (user: UserOverview, note?: string): Notice => {
    const { suspension, plan, keys, spent, openTurns } = user;
    return {
      markdown: [
        ...(note === undefined ? [] : [note, '']),
        `**User** ${named(user)}`,
        ...(user.since === null ? [] : [`- here since ${time(user.since)}`]),
        suspension === undefined
          ? '- not suspended'
          : `- **suspended** ${suspension.until === null ? 'until you lift it' : `until ${time(suspension.until)}`}, by ${suspension.by === 'operator' ? 'an operator' : 'moderation'}: ${escapeMarkdown(suspension.reason)}${suspension.appealed ? '; has appealed' : ''}`,
        `- plan ${inlineCode(plan.name)}${plan.until === null ? '' : ` until ${time(plan.until)}`}`,
        `- keys: ${keys.length === 0 ? 'none' : keys.map(({ provider, state }) => `${provider} (${state})`).join(', ')}`,
        ...(openTurns === 0 ? [] : [`- waiting or being answered: ${openTurns}`]),
        '',
        `**${spent.days} days**`,
        ...(spent.sums.length === 0 ? ['- nothing'] : []),
        ...spent.sums.map(
          ({ funding, poolName, costMicros, turns }) =>
            `- ${funding}${poolName === null ? '' : ` ${inlineCode(poolName)}`}: ${formatUsd(costMicros)} for ${turns} ${turns === 1 ? 'answer' : 'answers'}`,
        ),
      ].join('\n'),
      buttons: [
        [
          suspension === undefined
            ? { label: 'Suspend…', action: `admin:suspend-${user.userId}` }
            : { label: 'Lift', action: todo(user, 'lift') },
          { label: 'Grant a plan…', action: `admin:grant-${user.userId}` },
        ],
        HOME,
      ],
    };
  },

  askSuspend: (user: UserOverview): Notice => ({
    markdown: `For how long shall the house not answer ${named(user)}? Keys of their own go on. They are told that it was the operator; a reason is given with \`/admin suspend ${user.accounts[0] ?? ''} 7 why\`.`,
    buttons: [
      [
        { label: 'A day', action: todo(user, 'suspend1') },
        { label: 'Seven days', action: todo(user, 'suspend7') },
        { label: 'Until I lift it', action: todo(user, 'suspend') },
      ],
      back(user),
    ],
  }),

  askGrant: (user: UserOverview, plans: readonly string[]): Notice => {
    const others = plans.filter((name) => name !== FREE_PLAN);
    return {
      markdown: [
        `${named(user)} has the plan ${inlineCode(user.plan.name)}${user.plan.until === null ? '' : ` until ${time(user.plan.until)}`}.`,
        others.length === 0
          ? 'PLANS_FILE names no plan to grant.'
          : `Until another day: \`/admin grant ${user.accounts[0] ?? ''} ${others[0]} 2099-12-31\`.`,
      ].join('\n'),
      buttons: [
        ...others.slice(0, MOST_PLANS).map((name) => [
          { label: `${name}, 30 days`, action: todo(user, 'grant30', name) },
          { label: `${name}, for good`, action: todo(user, 'grant', name) },
        ]),
        ...(user.plan.name === FREE_PLAN
          ? []
          : [[{ label: 'Take it back', action: todo(user, 'grant', FREE_PLAN) }]]),
        back(user),
      ],
    };
  },

  did: {
    suspended: (id: number, until: Date | null): string =>
      `Suspended ${until === null ? 'until you lift it' : `until ${time(until)}`} (suspension ${id}).`,
    lifted: (lifted: number): string =>
      lifted === 0
        ? 'Nothing stood against them.'
        : 'Lifted: the house answers them again, and flags count from nothing.',
    granted: (plan: string, granted: Granted): string =>
      grantedSentence('This user', plan, granted),
    /** Pressed twice, by two operators, or below an old message. */
    nothing:
      'Nothing was done by this press: something else has been done about this user since that button was shown. This is how it stands now.',
  },

  goneUser: (): Notice => ({
    markdown: 'This user is not here any more: they were forgotten, or linked with another.',
    buttons: [HOME],
  }),

  unknownUser: (name: string): Notice => ({
    markdown: `No user ${inlineCode(name)} is known here: they never wrote, or were forgotten.`,
  }),
};
