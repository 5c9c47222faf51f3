/** What /pool says. */

import type { Button, Notice } from '../chat/platform.ts';
import { formatUsd } from '../funding/money.ts';
import type { PoolSettings } from '../pools/pool-settings.ts';
import { escapeMarkdown, inlineCode, time } from './markdown.ts';
import { poolFundingText, poolName } from './pool-funding.ts';

type Stop = Parameters<typeof poolFundingText.stop>[0];

export interface PoolPage {
  readonly id: number;
  readonly name: string;
  readonly providerName: string;
  readonly settings: PoolSettings;
  readonly stop: Stop | undefined;
  readonly problem: boolean;
  readonly members: number;
  readonly totalMicros: number;
  readonly endsAt: Date | undefined;
}

export interface BudgetLine {
  readonly period: string;
  readonly limitMicros: number | null;
  readonly usedMicros: number;
  readonly endsAt: Date | null;
}

export interface MemberPage {
  readonly id: number;
  readonly name: string;
  readonly stop: Stop | undefined;
  readonly budgets: readonly BudgetLine[];
  /** Of the whole pool; null: no limit. */
  readonly leftMicros: number | null;
  readonly model: string;
  readonly models: readonly string[];
  readonly reviewed: boolean;
  readonly paysFirst: boolean;
}

interface RosterLine {
  readonly memberId: number;
  readonly name: string | undefined;
  readonly state: 'member' | 'guest' | 'left' | 'removed';
  readonly monthMicros: number;
  readonly monthLimitMicros: number | null;
  readonly totalMicros: number;
  readonly flags: number;
}

const SETTINGS_HELP =
  '`key=openai` `models=a,b` `month=0.20` `day=off` `hour=off` (dollars a member) `total=20` (for all) `requests=5` `tokens=20000` (a member and minute, for each model, or `requests=5,model:3`) `requests-all=60` `tokens-all=off` (of all together) `ends=2026-12-31` `zone=Europe/Berlin` `moderation=on|off|required` `carry=on|off` `review=on|off` `members=100` `name=other`';

const OWNER_HELP = [
  `- \`/pool set NAME month=0.50 total=30 …\`: ${SETTINGS_HELP}`,
  '- `/pool invite NAME`: a link for all; `/pool invite NAME Ann, Bob`: a link for each; `/pool uninvite NAME`: no link works any more',
  '- `/pool roster NAME`: who has spent what; `/pool remove NAME 7`, `/pool reset NAME 7` (or `all`), `/pool raise NAME 7 0.50`, with the number from there',
  '- `/pool pause NAME`, `/pool resume NAME`, `/pool close NAME`',
  '- `/pool bind NAME` in a group that you manage: whoever asks there is paid by it; `/pool unbind`',
];

const joinButton = (token: string): Button => ({
  label: 'Join the pool',
  directChat: `pool-${token}`,
});

const act = (label: string, action: string): Button => ({ label, action: `pool:${action}` });

export const poolsText = {
  nothing: (): Notice => ({
    markdown: [
      'You are in no pool. A pool shares a key of yours with members, each with a budget: nobody but you sees or uses the key itself.',
      'To make one, set a key with /setkey, and send `/pool new NAME`, or all at once:',
      '`/pool new algebra key=openai month=0.20 total=20`',
    ].join('\n\n'),
    buttons: [[act('Make a pool', 'new')]],
  }),

  list: (owned: readonly PoolPage[], joined: readonly MemberPage[]): Notice => ({
    markdown: [
      ...(joined.length === 0 ? [] : ['**Pools that pay for you**', ...joined.map(memberLines)]),
      ...(owned.length === 0
        ? []
        : [
            '**Your own pools**',
            owned
              .map(
                (pool) =>
                  `- ${inlineCode(pool.name)}: ${pool.members} ${pool.members === 1 ? 'member' : 'members'}, ${spentOf(pool)}${pool.stop === undefined ? '' : `; it ${poolFundingText.stop(pool.stop)}`}`,
              )
              .join('\n'),
          ]),
      'Without a key of your own, the first pool above pays; `/pool use NAME` puts another first, `/pool use NAME MODEL` chooses its model, `/pool leave NAME` leaves it.',
    ].join('\n\n'),
    buttons: owned.slice(0, 8).map(({ id, name }) => [act(name, `open-${id}`)]),
  }),

  page: (pool: PoolPage, remark?: string): Notice => ({
    markdown: [
      ...(remark === undefined ? [] : [remark]),
      `**Your ${poolName(pool.name)}**${pool.stop === undefined ? ' is open' : ` ${poolFundingText.stop(pool.stop)}`}`,
      [
        `- Key: yours for ${pool.providerName}${pool.problem ? ', which fails at the moment' : ''}`,
        ...settingLines(pool.settings, pool.endsAt),
        `- Members: ${pool.members} of at most ${pool.settings.mostMembers}`,
        `- ${spentOf(pool)}`,
      ].join('\n'),
      OWNER_HELP.map((line) => line.replaceAll('NAME', pool.name)).join('\n'),
    ].join('\n\n'),
    buttons: pageButtons(pool),
  }),

  needsName: (): Notice => ({
    markdown:
      'How is it called? Send `/pool new NAME`, with one word of letters and digits. You set the rest by buttons.',
    buttons: [[act('Just call it “pool”', 'make')]],
  }),
  badName: (): Notice => ({
    markdown: 'A pool is called by one word of letters, digits, - and _, at most 32 of them.',
  }),
  badWord: (word: string): Notice => ({
    markdown: `I did not understand ${inlineCode(word.slice(0, 100))}; nothing was changed. I take: ${SETTINGS_HELP}. Sums are dollars, more than nothing, or \`off\`.`,
  }),
  noKey: (): Notice => ({
    markdown:
      'A pool shares a key of yours, and I have none that works for it. Set one with /setkey, then try again.',
  }),
  nameTaken: (): Notice => ({ markdown: 'You have a pool of that name already.' }),
  tooMany: (): Notice => ({ markdown: 'You have as many pools as one may have.' }),
  cannotRequire: (): Notice => ({
    markdown:
      'This installation moderates nothing, so a pool can’t require it. Nothing was changed.',
  }),
  unknown: (): Notice => ({
    markdown: 'There is no pool of yours, or that you are in, by that name. /pool shows them.',
  }),
  noMember: (): Notice => ({ markdown: 'There is nobody of that number in this pool.' }),

  opened: 'It is open: its members are paid by it from now on.',
  stillOver: 'Its last day has passed: set another one first, with `ends=`.',
  paused: 'It is paused: it pays for nobody until you open it again.',
  changed: 'Changed. Budgets count at once; another time zone, as soon as a month begins there.',
  made: 'Made. Invite people with the button below.',
  draft: 'Nobody is paid by it yet. Look it over, and open it.',

  confirmClose: (id: number, name: string): Notice => ({
    markdown: `Close ${poolName(name)} for good? Its members are told when they ask next; its links and groups go.`,
    buttons: [[act('Close it for good', `closed-${id}`), act('No', `open-${id}`)]],
  }),
  closed: (name: string): Notice => ({ markdown: `Your ${poolName(name)} is closed.` }),

  invite: (name: string, token: string, link: string | undefined, until: Date): Notice => ({
    markdown: [
      `Whoever opens this and agrees joins ${poolName(name)}, until ${time(until)}:`,
      ...(link === undefined ? [] : [link]),
      `On any platform, in private: \`/pool join ${token}\``,
      'In a group of yours, `/pool invite` with the name posts it as a button.',
    ].join('\n\n'),
  }),
  invites: (
    name: string,
    links: readonly { readonly name: string; readonly link: string }[],
    csv: Uint8Array,
    until: Date,
  ): Notice => ({
    markdown: [
      `A link for each, which works once, until ${time(until)}. The name is what the roster of ${poolName(name)} shows.`,
      ...(links.length > 10
        ? []
        : [links.map((one) => `- ${escapeMarkdown(one.name)}: ${one.link}`).join('\n')]),
    ].join('\n\n'),
    file: { name: 'invitations.csv', mediaType: 'text/csv', bytes: csv },
  }),
  tooManyNames: (): Notice => ({ markdown: 'At most 200 names at once, please.' }),
  uninvited: (count: number): Notice => ({
    markdown: `${count === 1 ? 'One link works' : `${count} links work`} no more.`,
  }),
  inviteHere: (name: string, token: string): Notice => ({
    markdown: `You can join ${poolName(name)} here: it pays for what you ask me. What that means, you read before you agree.`,
    buttons: [[joinButton(token)]],
  }),

  ask: (
    token: string,
    pool: Pick<PoolPage, 'name' | 'providerName' | 'settings' | 'endsAt'>,
    name: string,
  ): Notice => ({
    markdown: [
      `**Join ${poolName(pool.name)}?**`,
      [
        `- Its owner pays for what you ask, with a key for ${pool.providerName}, to whom your words go.`,
        ...settingLines(pool.settings, pool.endsAt),
        `- Its owner sees your name (${escapeMarkdown(name)}), what you spend, and how often moderation flagged something.`,
        pool.settings.review
          ? '- **Its owner can read what you ask on it from then on, and the answers**, for as long as they are kept.'
          : '- Its owner does not see what you ask.',
        '- You can leave at any time: /pool leave. A key of your own, if you have one, pays first unless you say otherwise in /settings.',
      ].join('\n'),
    ].join('\n\n'),
    buttons: [
      [
        act(
          pool.settings.review ? 'I agree, and join' : 'Join',
          `${pool.settings.review ? 'agree' : 'join'}-${token}`,
        ),
        act('No', 'declined'),
      ],
    ],
  }),
  declined: (): Notice => ({ markdown: 'You did not join.' }),
  joined: (name: string): Notice => ({
    markdown: `You are in ${poolName(name)}: it pays for what you ask. /pool shows what is left, and until when.`,
  }),
  already: (name: string): Notice => ({ markdown: `You are in ${poolName(name)} already.` }),
  over: (): Notice => ({
    markdown: 'This invitation is over, was used, or never was. Ask for another one.',
  }),
  own: (name: string): Notice => ({ markdown: `${poolName(name)} is your own; your key pays.` }),
  full: (name: string): Notice => ({
    markdown: `${poolName(name)} has as many members as it may have.`,
  }),
  removedBefore: (name: string): Notice => ({
    markdown: `The owner of ${poolName(name)} has removed you; only an invitation for you alone brings you back.`,
  }),
  left: (name: string): Notice => ({
    markdown: `You left ${poolName(name)}: it pays for you no more.`,
  }),
  notIn: (): Notice => ({ markdown: 'You are not in that pool.' }),
  using: (name: string, model: string): Notice => ({
    markdown: `From now on ${poolName(name)} comes before your other pools, and ${inlineCode(model)} answers there.`,
  }),
  noModel: (models: readonly string[]): Notice => ({
    markdown: `That pool has these models: ${models.map(inlineCode).join(', ')}.`,
  }),

  roster: (
    name: string,
    rows: readonly RosterLine[],
    csv: Uint8Array,
    totalMicros: number,
  ): Notice => ({
    markdown: [
      `**Roster of ${poolName(name)}**: ${formatUsd(totalMicros)} spent in all`,
      rows.length === 0 ? 'Nobody yet.' : rows.slice(0, MOST_SHOWN).map(rosterLine).join('\n'),
      ...(rows.length > MOST_SHOWN
        ? [`and ${rows.length - MOST_SHOWN} more: the file has them all.`]
        : []),
    ].join('\n\n'),
    file: { name: 'roster.csv', mediaType: 'text/csv', bytes: csv },
  }),
  removed: (name: string): Notice => ({
    markdown: `Removed: ${poolName(name)} pays for them no more. What they asked before that still counts.`,
  }),
  reset: (count: number): Notice => ({
    markdown: `What ${count === 1 ? 'one member' : `${count} members`} had spent in the open hour, day and month is theirs again. The pool’s total stays.`,
  }),
  raised: (micros: number): Notice => ({
    markdown: `Raised by ${formatUsd(micros)}, in the hour, day and month that are open.`,
  }),

  notReviewed: (): Notice => ({
    markdown:
      'You can read what a member asks only where the pool said so before they joined (`review=on`), and from then on.',
  }),
  review: (text: string, count: number): Notice => ({
    markdown: `The last ${count} answered on the pool since they agreed.`,
    file: { name: 'review.md', mediaType: 'text/markdown', bytes: Buffer.from(text) },
  }),
  reviewFile: (
    turns: readonly { readonly at: Date; readonly question: string; readonly answer: string }[],
  ): string =>
    turns
      .map(
        ({ at, question, answer }) =>
          `## ${at.toISOString()}\n\n**Question**\n\n${question}\n\n**Answer**\n\n${answer}\n`,
      )
      .join('\n'),

  /** @param token of an invitation, where its owner reads along: that needs consent */
  bound: (name: string, token: string | undefined): Notice => ({
    markdown: [
      `From now on ${poolName(name)} pays for whoever asks me here and has no key of their own that pays first. Its owner sees what each costs, not what is asked. \`/pool unbind\` ends it.`,
      ...(token === undefined
        ? []
        : [
            'Its owner can read what those ask who joined it and agreed to that. Of all others nothing is there to be read.',
          ]),
    ].join('\n\n'),
    ...(token === undefined ? {} : { buttons: [[joinButton(token)]] }),
  }),
  unbound: (): Notice => ({ markdown: 'No pool of yours pays for this chat any more.' }),
  notBound: (): Notice => ({ markdown: 'No pool of yours paid for this chat.' }),
  bindInGroup: (): Notice => ({
    markdown: 'Send `/pool bind` in the group that the pool is to pay for, if you may manage it.',
  }),
  inPrivate: (): Notice => ({
    markdown: 'Pools are a matter for our private chat.',
    buttons: [[{ label: 'My pools', directChat: 'pool' }]],
  }),
  notManager: (): Notice => ({
    markdown: 'Only who may manage this chat, and owns the pool, can do that.',
  }),
  couldNotAsk: (): Notice => ({
    markdown: 'I could not find out who may manage this chat. Please try again in a moment.',
  }),
};

const MOST_SHOWN = 40;

function spentOf({ totalMicros, settings }: PoolPage): string {
  return settings.totalMicros === null
    ? `${formatUsd(totalMicros)} spent, no limit for all together`
    : `${formatUsd(totalMicros)} of ${formatUsd(settings.totalMicros)} spent`;
}

function memberLines(page: MemberPage): string {
  return [
    `${inlineCode(page.name)}${page.paysFirst ? '' : ' (after the one above)'}${page.stop === undefined ? '' : `, which ${poolFundingText.stop(page.stop)}`}`,
    ...page.budgets.flatMap(({ period, limitMicros, usedMicros, endsAt }) =>
      limitMicros === null || endsAt === null
        ? []
        : [
            `- this ${period}: ${formatUsd(Math.max(0, limitMicros - usedMicros))} of ${formatUsd(limitMicros)} left until ${time(endsAt)}`,
          ],
    ),
    ...(page.leftMicros === null
      ? []
      : [`- for all members together: ${formatUsd(Math.max(0, page.leftMicros))} left`]),
    `- ${inlineCode(page.model)} answers${page.models.length > 1 ? ` (of ${page.models.map(inlineCode).join(', ')})` : ''}`,
    ...(page.reviewed ? ['- its owner can read what you ask on it'] : []),
  ].join('\n');
}

function settingLines(settings: PoolSettings, endsAt: Date | undefined): readonly string[] {
  const { memberMicros, models, zone, nextZone } = settings;
  const budgets = (['hour', 'day', 'month'] as const).flatMap((period) => {
    const micros = memberMicros[period];
    return micros === null ? [] : [`${formatUsd(micros)} a ${period}`];
  });
  return [
    `- ${models.length === 1 ? 'Model' : 'Models'}: ${models.map(inlineCode).join(', ')}`,
    `- Budget of a member: ${budgets.length === 0 ? 'no limit' : budgets.join(', ')}${settings.carriesOver ? '; what is left is added to the next one' : '; what is left is not carried over'}`,
    ...rateLine('Requests a minute, of a member', settings.memberRequestsPerMinute),
    ...rateLine('Tokens a minute, of a member', settings.memberTokensPerMinute),
    ...rateLine('Requests a minute, of all together', settings.requestsPerMinute),
    ...rateLine('Tokens a minute, of all together', settings.tokensPerMinute),
    ...(endsAt === undefined ? [] : [`- Until ${time(endsAt)}`]),
    `- Clock: ${escapeMarkdown(zone)}${nextZone === null ? '' : `, ${escapeMarkdown(nextZone.zone)} from ${time(new Date(nextZone.from))}`}`,
    `- Moderation: ${settings.moderation}`,
    ...(settings.review ? ['- The owner reads what those ask who agreed to it'] : []),
  ];
}

function rateLine(what: string, rate: PoolSettings['requestsPerMinute']): readonly string[] {
  const named = Object.entries(rate.of).map(([model, n]) => `${inlineCode(model)} ${n}`);
  const all = rate.each === null ? named : [`${rate.each} for each model`, ...named];
  return all.length === 0 ? [] : [`- ${what}: ${all.join(', ')}`];
}

function pageButtons({ id, settings, stop }: PoolPage): readonly (readonly Button[])[] {
  const pick = (label: string, set: string, chosen: boolean) =>
    act(chosen ? `✓ ${label}` : label, `set-${id}-${set}`);
  const { month } = settings.memberMicros;
  const total = settings.totalMicros;
  const isOpen = stop === undefined;
  return [
    ['0.20', '1', '5'].map((usd) =>
      pick(`$${usd} a month`, `month=${usd}`, month === Math.round(Number(usd) * 1_000_000)),
    ),
    ['5', '20', '100'].map((usd) =>
      pick(`$${usd} in all`, `total=${usd}`, total === Number(usd) * 1_000_000),
    ),
    (['on', 'off', 'required'] as const).map((mode) =>
      pick(`Moderation ${mode}`, `moderation=${mode}`, settings.moderation === mode),
    ),
    [
      settings.carriesOver
        ? pick('Carry nothing over', 'carry=off', false)
        : pick('Carry over', 'carry=on', false),
    ],
    ...(stop === 'draft'
      ? [[act('Open the pool', `resume-${id}`)]]
      : [
          [act('Invite', `invite-${id}`), act('Roster', `roster-${id}`)],
          [
            isOpen ? act('Pause', `pause-${id}`) : act('Open again', `resume-${id}`),
            act('Close', `close-${id}`),
          ],
        ]),
  ];
}

function rosterLine(row: RosterLine): string {
  const name = row.name === undefined ? row.state : escapeMarkdown(row.name);
  const limit = row.monthLimitMicros === null ? '' : ` of ${formatUsd(row.monthLimitMicros)}`;
  const state = row.state === 'member' || row.name === undefined ? '' : ` (${row.state})`;
  const flags = row.flags === 0 ? '' : `, **${row.flags} flagged**`;
  return `- ${row.memberId} ${name}${state}: ${formatUsd(row.monthMicros)}${limit} this month, ${formatUsd(row.totalMicros)} in all${flags}`;
}
