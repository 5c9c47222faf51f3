/** The figures as Markdown: ratios first, then what they are made of. */

import { readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { BACKENDS, type BotName } from './bots.ts';
import type { Extent } from './extent.ts';
import type { Figures } from './figures.ts';
import { fileHere } from './processes.ts';
import { lines, megabytes, milliseconds, spread, TITLES, times, verdictOn } from './table.ts';

export type AllFigures = ReadonlyMap<BotName, Figures>;

interface Line {
  readonly title: string;
  readonly of: (figures: Figures) => string;
}

/** What one part of the benchmark came to. */
export interface Result {
  /** A table of ratios of its own, which stands above all figures. */
  readonly ratios?: string;
  /** Or rows of the one that parts share. */
  readonly goals?: readonly Goal[];
  readonly section: string;
}

export type Goal = readonly [title: string, shown: string];

/** Ratios first, then what they are made of. */
export function report(results: readonly Result[]): string {
  const goals = results.flatMap((result) => result.goals ?? []);
  return [
    machine(),
    ...results.flatMap(({ ratios }) => (ratios === undefined ? [] : [ratios])),
    ...(goals.length === 0
      ? []
      : [
          ['### Ratios and targets of the whole service', '', ...lines(['', ''], goals)].join('\n'),
        ]),
    ...results.map(({ section }) => section),
  ].join('\n\n');
}

export function botsResult(all: AllFigures, extent: Extent): Result {
  return {
    ratios: ['### Ratios and targets', '', ...ratios(all)].join('\n'),
    section: ['### Figures', '', ...table(all, figureLines(extent))].join('\n'),
  };
}

/** Replaces what stands between the two markers of README.md. */
export async function writeReport(text: string): Promise<void> {
  const file = fileHere('README.md');
  const old = await readFile(file, 'utf8');
  const [begin, end] = ['<!-- results -->', '<!-- end of results -->'];
  const [from, to] = [old.indexOf(begin), old.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file} has lost the markers of its results`);
  await writeFile(file, `${old.slice(0, from + begin.length)}\n\n${text}\n\n${old.slice(to)}`);
}

function machine(): string {
  const [first, ...others] = cpus();
  const gigabytes = Math.round(totalmem() / 1e9);
  const day = new Date().toISOString().slice(0, 10);
  return `Measured on ${day}: ${1 + others.length} × ${first?.model.trim() ?? 'unknown processor'}, ${gigabytes} GB, Linux ${release()}, Node ${process.versions.node}. The bot, its database and the stand-ins of Telegram, Discord and the provider share these cores. Load at the end, the benchmark's own included: ${loadavg()[1]?.toFixed(1)} (five minutes).`;
}

interface Target {
  readonly title: string;
  readonly of: (figures: Figures, bare: Figures | undefined) => number | undefined;
  readonly shown: (value: number) => string;
  /** By backend; absent: nothing was promised. */
  readonly goal?: { readonly postgres: number; readonly redis: number };
  readonly isMost?: boolean;
}

const TARGETS: readonly Target[] = [
  {
    title: "B's wait while A has a backlog, of its wait on an idle system (median)",
    of: ({ neighbours }) => neighbours && neighbours.besideA.median / neighbours.idle.median,
    shown: times,
    goal: { postgres: 2, redis: 2 },
    isMost: true,
  },
  {
    title: 'Turns a second, of the bare script’s',
    of: (figures, bare) => bare && figures.turnsPerSecond / bare.turnsPerSecond,
    shown: times,
  },
  {
    title: 'Update to request when idle, of the bare script’s (median)',
    of: (figures, bare) => bare && figures.idle.median / bare.idle.median,
    shown: times,
  },
  {
    title: 'Memory after all turns, of the bare script’s (PSS)',
    of: (figures, bare) => bare && figures.memory.afterwards.pss / bare.memory.afterwards.pss,
    shown: times,
  },
  {
    title: 'Added between update and request when idle (median)',
    of: (figures, bare) => bare && figures.idle.median - bare.idle.median,
    shown: milliseconds,
    goal: { postgres: 25, redis: 15 },
    isMost: true,
  },
  {
    title: 'Turns a second',
    of: (figures) => figures.turnsPerSecond,
    shown: (value) => value.toFixed(0),
    goal: { postgres: 100, redis: 200 },
    isMost: false,
  },
  {
    title: 'Memory of the process after all turns (RSS)',
    of: (figures) => figures.memory.afterwards.rss,
    shown: megabytes,
    goal: { postgres: 200, redis: 200 },
    isMost: true,
  },
];

function ratios(all: AllFigures): readonly string[] {
  const bare = all.get('bare');
  const names = BACKENDS.filter((name) => all.has(name));
  const rows = TARGETS.map(({ title, of, shown, goal, isMost = true }) => [
    title,
    ...names.map((name) => {
      const figures = all.get(name);
      const value = figures && of(figures, bare);
      if (value === undefined) return '–';
      const aim = goal?.[name];
      if (aim === undefined) return shown(value);
      const reached = isMost ? value <= aim : value >= aim;
      const bound = `${isMost ? 'at most' : 'at least'} ${shown(aim)}`;
      return `${shown(value)} (${bound}: ${verdictOn(reached)})`;
    }),
  ]);
  return lines(['', ...names.map((name) => TITLES[name])], rows);
}

function figureLines(extent: Extent): readonly Line[] {
  return [
    { title: 'Update to request, idle', of: ({ idle }) => spread(idle) },
    { title: 'Update to request, 200 users active', of: ({ active }) => spread(active) },
    {
      title: `Turns a second, ${extent.throughputTurns} turns of 200 users`,
      of: ({ turnsPerSecond }) => turnsPerSecond.toFixed(0),
    },
    {
      title: 'Processor time a turn, the process / databases beside it',
      of: ({ processorMs: { bot, beside } }) => `${milliseconds(bot)} / ${milliseconds(beside)}`,
    },
    {
      title: "B's wait, system idle",
      of: ({ neighbours }) => (neighbours === undefined ? '–' : spread(neighbours.idle)),
    },
    {
      title: `B's wait, A has ${extent.backlog} waiting`,
      of: ({ neighbours }) => (neighbours === undefined ? '–' : spread(neighbours.besideA)),
    },
    {
      title: 'Memory at rest, RSS / PSS',
      of: ({ memory: { atRest } }) => `${megabytes(atRest.rss)} / ${megabytes(atRest.pss)}`,
    },
    {
      title: 'Memory after all turns, RSS / PSS',
      of: ({ memory: { afterwards } }) =>
        `${megabytes(afterwards.rss)} / ${megabytes(afterwards.pss)}`,
    },
    {
      title: 'The most it was meanwhile, RSS',
      of: ({ memory: { afterwards } }) => megabytes(afterwards.peak),
    },
    {
      title: 'PostgreSQL and Redis beside it, PSS',
      of: ({ memory: { beside } }) => (beside === 0 ? '–' : megabytes(beside)),
    },
    { title: 'All turns', of: ({ memory: { turns } }) => turns.toLocaleString('en') },
  ];
}

function table(all: AllFigures, rows: readonly Line[]): readonly string[] {
  const measured = [...all];
  return lines(
    ['', ...measured.map(([name]) => TITLES[name])],
    rows.map(({ title, of }) => [title, ...measured.map(([, figures]) => of(figures))]),
  );
}
