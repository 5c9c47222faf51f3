/** What /admin says to the operator. */

import type { Button, Notice } from '../chat/platform.ts';
import { formatUsd } from '../funding/money.ts';
import { type Sum, sumBy, type Total, type UserCost } from '../funding/totals.ts';
import type { Flagged } from '../moderation/flagged.ts';
import type { Granted } from '../operator/deeds.ts';
import type { Overview } from '../operator/overview.ts';
import { adminUserText, grantedSentence } from './admin-user.ts';
import { escapeMarkdown, inlineCode, time } from './markdown.ts';

const BACK: readonly Button[] = [{ label: 'Back', action: 'admin:home' }];
/** Models that are shown; the shell shows all. */
const MODELS = 8;
/** Users' buttons in a row. */
const ROW = 4;

export const adminText = {
  ...adminUserText,

  /** What a suspended user is told where the operator gave no reason. */
  defaultReason: 'by the operator',

  home: ({
    house,
    today,
    flagged,
    flaggedDays,
    note,
  }: Overview & {
    readonly flaggedDays: number;
    /** What was just done. */
    readonly note: string | undefined;
  }): Notice => ({
    markdown: [
      ...(note === undefined ? [] : [note, '']),
      house.paused === undefined
        ? '**The house pays.**'
        : `**The house is paused** since ${time(house.paused.since)}, by ${inlineCode(house.paused.by)}.`,
      `Its day: ${formatUsd(house.spentMicros)} spent and ${formatUsd(house.reservedMicros)} set aside of ${formatUsd(house.limitMicros)}; ${formatUsd(Math.max(0, house.limitMicros - house.spentMicros - house.reservedMicros))} left until ${time(house.resetsAt)}.`,
      '',
      '**Today**, by who paid',
      ...lines(sumBy(today, ({ funding }) => funding)),
      '',
      flagged === 0
        ? `Nothing was flagged in ${flaggedDays} days.`
        : `Flagged in ${flaggedDays} days: ${flagged}.`,
      '',
      HOW,
    ].join('\n'),
    buttons: [
      [
        { label: 'Totals', action: 'admin:totals-7' },
        { label: 'Top users', action: 'admin:top-7' },
        { label: 'Flagged', action: 'admin:flagged' },
      ],
      [
        house.paused === undefined
          ? { label: 'Pause the house', action: 'admin:pause' }
          : { label: 'Resume the house', action: 'admin:resume' },
      ],
    ],
  }),

  switched: (to: 'pause' | 'resume', changed: boolean): string =>
    to === 'pause'
      ? changed
        ? 'Paused: the house pays for nobody. Who asks is told, and asked for a key of their own.'
        : 'The house was paused before.'
      : changed
        ? 'The house pays again.'
        : 'The house was not paused.',

  totals: (days: number, rows: readonly Total[]): Notice => {
    const models = sumBy(rows, ({ provider, model }) => `${provider}/${model}`);
    const shown = [...models].sort((a, b) => b.costMicros - a.costMicros || b.turns - a.turns);
    return {
      markdown: [
        `**${days === 1 ? 'Today' : `${days} days`}** (UTC), what is under way left out`,
        ...lines(sumBy(rows, ({ funding }) => funding)),
        '',
        '**By model**',
        ...lines(shown.slice(0, MODELS)),
        ...(shown.length > MODELS ? [`- and ${shown.length - MODELS} more`] : []),
        '',
        '**By day**',
        ...lines(sumBy(rows, ({ day }) => day)),
      ].join('\n'),
      buttons: [windows('totals', days), BACK],
    };
  },

  top: (days: number, users: readonly (UserCost & { readonly shortId: string })[]): Notice => ({
    markdown: [
      `**Most expensive, ${days === 1 ? 'today' : `${days} days`}**: first who cost others most`,
      ...(users.length === 0 ? ['- nobody'] : []),
      ...users.map((user) => {
        const parts = Object.entries(user.byFunding).map(
          ([funding, micros]) => `${funding} ${formatUsd(micros)}`,
        );
        const accounts = user.accounts.map(inlineCode).join(', ');
        return `- ${inlineCode(user.shortId)} (${accounts}): ${formatUsd(user.costMicros)} for ${answers(user.turns)}; ${parts.join(', ')}`;
      }),
    ].join('\n'),
    buttons: [...userButtons(users), windows('top', days), BACK],
  }),

  flagged: (rows: readonly (Flagged & { readonly shortId: string | undefined })[]): Notice => ({
    markdown: [
      '**Flagged in seven days**, newest first',
      ...(rows.length === 0 ? ['- nothing'] : []),
      ...rows.map((row) => {
        const who =
          row.accounts.length === 0 ? 'a forgotten user' : row.accounts.map(inlineCode).join(', ');
        const led = row.consequence === null ? '' : `, led to a ${row.consequence}`;
        return `- ${row.id}, ${time(row.at)}, ${who}: ${row.direction}, ${escapeMarkdown(row.categories.join(', '))}${led}`;
      }),
      '',
      'Scores: `npm run admin -- moderation show NUMBER`',
    ].join('\n'),
    buttons: [...userButtons(rows), BACK],
  }),

  suspended: (facts: {
    readonly name: string;
    readonly id: number;
    readonly until: Date | null;
    readonly isKnown: boolean;
  }): Notice => ({
    markdown: [
      `Suspended ${inlineCode(facts.name)} ${facts.until === null ? 'until you lift it' : `until ${time(facts.until)}`} (suspension ${facts.id}). A key of their own goes on.`,
      ...(facts.isKnown ? [] : ['Nobody of this name has written yet, or they were forgotten.']),
    ].join('\n'),
  }),

  lifted: (name: string, lifted: number): Notice => ({
    markdown:
      lifted === 0
        ? `Nothing stood against ${inlineCode(name)}.`
        : `Lifted: the house answers ${inlineCode(name)} again, and flags count from nothing.`,
  }),

  granted: (name: string, plan: string, granted: Granted): Notice => ({
    markdown: grantedSentence(inlineCode(name), plan, granted),
  }),

  reasonTooLong: (most: number): Notice => ({
    markdown: `That reason is too long: it takes ${most} characters. Nobody was suspended.`,
  }),

  how: (): Notice => ({ markdown: HOW }),

  onlyInPrivate: (): Notice => ({ markdown: 'This is for our private chat.' }),
};

/** In plain text: an account that the operator may mean. */
export const userSuggestion = (account: string, what: number | 'flagged'): string =>
  `${account} · ${what === 'flagged' ? 'flagged' : formatUsd(what)} in 30 days`;

const HOW = [
  '`/admin suspend telegram:ID 7 why`: suspends for seven days, without a number until it is lifted',
  '`/admin lift telegram:ID`: lifts it, and forgets the warnings',
  '`/admin grant telegram:ID pro 2099-12-31`: gives a plan to the end of that day, without one for good; the plan `free` takes it back',
  '`/admin user telegram:ID`: shows a user, with buttons for all of that',
]
  .map((line) => `- ${line}`)
  .join('\n');

const WINDOWS = [
  { days: 1, label: 'Today' },
  { days: 7, label: 'Seven days' },
  { days: 30, label: 'Thirty days' },
];

/** The other windows of time. */
const windows = (page: 'totals' | 'top', shown: number): readonly Button[] =>
  WINDOWS.filter(({ days }) => days !== shown).map(({ days, label }) => ({
    label,
    action: `admin:${page}-${days}`,
  }));

/** Leads to the users that a list names, each once. */
function userButtons(
  users: readonly { readonly userId: number | null; readonly shortId: string | undefined }[],
): readonly (readonly Button[])[] {
  const named = new Map(users.map(({ userId, shortId }) => [userId, shortId]));
  const buttons = [...named].flatMap(([userId, shortId]) =>
    userId === null || shortId === undefined
      ? []
      : [{ label: shortId, action: `admin:user-${userId}` }],
  );
  return Array.from({ length: Math.ceil(buttons.length / ROW) }, (_, row) =>
    buttons.slice(row * ROW, (row + 1) * ROW),
  );
}

const answers = (count: number) => `${count} ${count === 1 ? 'answer' : 'answers'}`;

function lines(sums: readonly Sum[]): readonly string[] {
  if (sums.length === 0) return ['- nothing'];
  return sums.map(
    ({ name, turns, costMicros, unpricedTurns }) =>
      `- ${escapeMarkdown(name)}: ${formatUsd(costMicros)} for ${answers(turns)}${unpricedTurns === 0 ? '' : `, of which ${unpricedTurns} without a known price`}`,
  );
}
