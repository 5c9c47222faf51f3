/** What the past costs, as Markdown. */

import { finelyWithin } from './embedded.ts';
import type { GrowthFigures } from './growth.ts';
import type { Goal, Result } from './report.ts';
import { lines, spread, times, verdictOn } from './table.ts';

/** Of the figure with few turns. */
const MOST_GROWTH = 1.2;
/** Milliseconds, median: deciding who pays, and reserving. */
const FUNDING_MS = 5;

interface Row {
  readonly title: string;
  readonly shown: (figures: GrowthFigures) => string;
  /** More is worse. */
  readonly cost: (figures: GrowthFigures) => number;
}

const ROWS: readonly Row[] = [
  {
    title: 'Update to request, idle, by webhook',
    shown: ({ idle }) => spread(idle),
    cost: ({ idle }) => idle.median,
  },
  {
    title: 'Updates a second made durable (median of the bursts)',
    shown: ({ perSecond }) => perSecond.median.toFixed(0),
    cost: ({ perSecond }) => 1 / perSecond.median,
  },
  step('Putting a turn into the mailbox', 'accept'),
  step('Claiming it', 'claim'),
  step('Preparing it: its row, context, who pays, the reservation', 'prepare'),
  step('… of that, a window of 40 turns', 'context'),
  {
    title: '… of that, deciding who pays, and reserving',
    shown: ({ steps }) => finelyWithin(steps.funding, FUNDING_MS),
    cost: ({ steps }) => steps.funding.median,
  },
  step('Settling it: the answer stored, the reservation, the end', 'settle'),
  step('/usage, without the picture', 'usage'),
];

function step(title: string, name: keyof GrowthFigures['steps']): Row {
  return {
    title,
    shown: ({ steps }) => spread(steps[name]),
    cost: ({ steps }) => steps[name].median,
  };
}

export function growthResult(figures: readonly GrowthFigures[]): Result {
  const [few, many] = figures;
  if (few === undefined || many === undefined) throw new Error('growth takes two sizes');
  const seconds = (value: number) => `${value.toFixed(2)} s`;
  const sizes = figures.map(({ turns }) => `${turns.toLocaleString('en')} stored turns`);
  const growths = ROWS.map(({ title, cost }) => ({ title, growth: cost(many) / cost(few) }));
  const most = growths.reduce((a, b) => (b.growth > a.growth ? b : a));
  const verdict = verdictOn(most.growth <= MOST_GROWTH);
  const goal: Goal = [
    `What grew most from ${few.turns.toLocaleString('en')} to ${many.turns.toLocaleString('en')} stored turns: ${most.title}`,
    `${times(most.growth)} (at most ${times(MOST_GROWTH)}: ${verdict})`,
  ];
  const section = [
    '### Growth',
    '',
    `The same people and conversations among ${sizes.join(' and among ')}, on Redis and PostgreSQL; steps of a turn ${few.steps.claim.count} times, in the benchmark's own process. Medians are compared.`,
    '',
    ...lines(
      ['', ...sizes, 'many, of few'],
      [
        ...ROWS.map(({ title, shown }, i) => [
          title,
          shown(few),
          shown(many),
          times(growths[i]?.growth ?? Number.NaN),
        ]),
        ['One start on it', seconds(few.startMs / 1_000), seconds(many.startMs / 1_000), '–'],
      ],
    ),
  ].join('\n');
  return { goals: [goal], section };
}
