/** What /admin says to the operator. */

import type { Button, Notice } from '../chat/platform.ts';
import type { HouseState } from '../funding/house-state.ts';
import { formatUsd } from '../funding/money.ts';
import { type Sum, sumBy, type Total, type UserCost } from '../funding/totals.ts';
import type { Flagged } from '../moderation/flagged.ts';
import { escapeMarkdown, inlineCode, time } from './markdown.ts';

const BACK: readonly Button[] = [{ label: 'Back', action: 'admin:home' }];
/** Models that are shown; the shell shows all. */
const MODELS = 8;

export const adminText = {
  /** What a suspended user is told where the operator gave no reason. */
  defaultReason: 'by the operator',

  home: ({
    house,
    week,
    newestFlag,
    note,
  }: {
    readonly house: HouseState;
    /** Of the last seven days. */
    readonly week: readonly Total[];
    readonly newestFlag: Date | undefined;
    /** What was just done. */
    readonly note: string | undefined;
  }): Notice => ({
    markdown: [
      ...(note === undefined ? [] : [note, '']),
      house.paused === undefined
        ? '**The house pays.**'
        : `**The house is paused** since ${time(house.paused.since)}, by ${inlineCode(house.paused.by)}.`,
      `Today: ${formatUsd(house.spentMicros)} spent and ${formatUsd(house.reservedMicros)} set aside of ${formatUsd(house.limitMicros)}, until ${time(house.resetsAt)}.`,
      '',
      '**Seven days**',
      ...lines(sumBy(week, ({ funding }) => funding)),
      '',
      newestFlag === undefined
        ? 'Nothing was flagged in seven days.'
        : `Flagged last: ${time(newestFlag)}.`,
      '',
      HOW,
    ].join('\n'),
    buttons: [
      [
        { label: 'Seven days', action: 'admin:totals-7' },
        { label: 'Thirty days', action: 'admin:totals-30' },
      ],
      [
        { label: 'Most expensive', action: 'admin:top-7' },
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
        `**${days} days** (UTC), what is under way left out`,
        ...lines(sumBy(rows, ({ funding }) => funding)),
        '',
        '**By model**',
        ...lines(shown.slice(0, MODELS)),
        ...(shown.length > MODELS ? [`- and ${shown.length - MODELS} more`] : []),
        '',
        '**By day**',
        ...lines(sumBy(rows, ({ day }) => day)),
      ].join('\n'),
      buttons: [BACK],
    };
  },

  top: (days: number, users: readonly (UserCost & { readonly shortId: string })[]): Notice => ({
    markdown: [
      `**Most expensive, ${days} days**: first who cost others most`,
      ...(users.length === 0 ? ['- nobody'] : []),
      ...users.map((user) => {
        const parts = Object.entries(user.byFunding).map(
          ([funding, micros]) => `${funding} ${formatUsd(micros)}`,
        );
        const accounts = user.accounts.map(inlineCode).join(', ');
        return `- ${inlineCode(user.shortId)} (${accounts}): ${formatUsd(user.costMicros)} for ${answers(user.turns)}; ${parts.join(', ')}`;
      }),
      '',
      HOW,
    ].join('\n'),
    buttons: [
      [
        days === 7
          ? { label: 'Thirty days', action: 'admin:top-30' }
          : { label: 'Seven days', action: 'admin:top-7' },
      ],
      BACK,
    ],
  }),

  flagged: (rows: readonly Flagged[]): Notice => ({
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
    buttons: [BACK],
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

  reasonTooLong: (most: number): Notice => ({
    markdown: `That reason is too long: it takes ${most} characters. Nobody was suspended.`,
  }),

  how: (): Notice => ({ markdown: HOW }),

  onlyInPrivate: (): Notice => ({ markdown: 'This is for our private chat.' }),
};

const HOW = [
  '`/admin suspend telegram:ID 7 why` suspends for seven days, without a number until it is lifted',
  '`/admin lift telegram:ID` lifts it, and forgets the warnings',
]
  .map((line) => `- ${line}`)
  .join('\n');

const answers = (count: number) => `${count} ${count === 1 ? 'answer' : 'answers'}`;

function lines(sums: readonly Sum[]): readonly string[] {
  if (sums.length === 0) return ['- nothing'];
  return sums.map(
    ({ name, turns, costMicros, unpricedTurns }) =>
      `- ${escapeMarkdown(name)}: ${formatUsd(costMicros)} for ${answers(turns)}${unpricedTurns === 0 ? '' : `, of which ${unpricedTurns} without a known price`}`,
  );
}
