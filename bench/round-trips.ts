/** What of the added time Latchkey waits for its databases: every round trip from the update to the request. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBot, startLatchkeyOn } from './bots.ts';
import { meet } from './measure.ts';
import type { Goal, Result } from './report.ts';
import { type Asked, openStage, type Stage } from './stage.ts';
import { type Spread, spreadOf } from './stats.ts';
import { BACKENDS, type Backend, openStorage } from './storage.ts';
import { lines, milliseconds, spread, TITLES, times, verdictOn } from './table.ts';
import { machineNow, type RoundTrip, readRoundTrips } from './wire-file.ts';

/** Added time, of the sum of the round trips. */
const GOAL = 1.5;

export interface RoundTripFigures {
  /** Update to request, less the bare script's median; in milliseconds. */
  readonly addedMs: number;
  /** Of a turn, all of its round trips together. */
  readonly sum: Spread;
  /** The time in which at least one was under way: some are at once. */
  readonly covered: Spread;
  /** How many, at the median. */
  readonly postgres: number;
  readonly redis: number;
}

export async function measureRoundTrips({
  samples,
}: {
  readonly samples: number;
}): Promise<ReadonlyMap<Backend, RoundTripFigures>> {
  const bare = median(latencies(await idleOf('bare', samples)));
  const all = new Map<Backend, RoundTripFigures>();
  for (const backend of BACKENDS) {
    const { asked, trips } = await idleWatched(backend, samples);
    all.set(backend, figuresOf(asked, trips, bare));
  }
  return all;
}

async function idleOf(name: 'bare', samples: number): Promise<readonly Asked[]> {
  const stage = await openStage();
  const bot = await startBot(name, { stage });
  try {
    return await idleTurns(stage, samples);
  } finally {
    await bot.stop();
    await stage.close();
  }
}

async function idleWatched(
  backend: Backend,
  samples: number,
): Promise<{ readonly asked: readonly Asked[]; readonly trips: readonly RoundTrip[] }> {
  const stage = await openStage();
  const storage = await openStorage(backend);
  const file = join(storage.dataDir, 'round-trips.json');
  try {
    const { platform, provider, telegram } = stage;
    const portOf = (url: string) => new URL(url).port;
    const bot = await startLatchkeyOn(storage, {
      platform,
      provider,
      preload: 'wire-times.ts',
      settings: {
        WIRE_FILE: file,
        WIRE_OTHERS: [portOf(telegram.url), portOf(provider.url)].join(','),
        ...(storage.redisUrl === undefined ? {} : { WIRE_REDIS: portOf(storage.redisUrl) }),
      },
    });
    const asked = await idleTurns(stage, samples).finally(() => bot.stop());
    return { asked, trips: await readRoundTrips(file) };
  } finally {
    await stage.close();
    await storage.close();
  }
}

/** One question at a time, each by somebody known; with a pause in which all that follows ends. */
async function idleTurns(stage: Stage, samples: number): Promise<readonly Asked[]> {
  await meet(stage);
  await sleep(500);
  const asked: Asked[] = [];
  for (let i = 0; i < samples; i += 1) {
    asked.push(await stage.ask(1_000 + (i % 200)));
    await sleep(20);
  }
  return asked;
}

function figuresOf(
  asked: readonly Asked[],
  trips: readonly RoundTrip[],
  bareMs: number,
): RoundTripFigures {
  // This process's clock begins with it.
  const offset = machineNow() - performance.now();
  const turns = asked.map(({ handedOutAt, requestedAt }) =>
    trips.filter(
      ({ from, until }) => from >= handedOutAt + offset && until <= requestedAt + offset,
    ),
  );
  const lengths = turns.map((own) => own.reduce((sum, { from, until }) => sum + until - from, 0));
  const count = (to: RoundTrip['to']) =>
    median(turns.map((own) => own.filter((trip) => trip.to === to).length));
  return {
    addedMs: median(latencies(asked)) - bareMs,
    sum: spreadOf(lengths),
    covered: spreadOf(turns.map(coveredBy)),
    postgres: count('postgres'),
    redis: count('redis'),
  };
}

function coveredBy(trips: readonly RoundTrip[]): number {
  let [covered, seen] = [0, Number.NEGATIVE_INFINITY];
  for (const { from, until } of trips.toSorted((a, b) => a.from - b.from)) {
    covered += Math.max(0, until - Math.max(from, seen));
    seen = Math.max(seen, until);
  }
  return covered;
}

const latencies = (asked: readonly Asked[]) =>
  asked.map(({ handedOutAt, requestedAt }) => requestedAt - handedOutAt);
const median = (values: readonly number[]) => spreadOf(values).median;

export function roundTripsResult(all: ReadonlyMap<Backend, RoundTripFigures>): Result {
  const backends = [...all];
  const row = (title: string, of: (figures: RoundTripFigures) => string) => [
    title,
    ...backends.map(([, figures]) => of(figures)),
  ];
  const goals = backends.map(([name, { addedMs, sum }]): Goal => {
    const ratio = addedMs / sum.median;
    return [
      `Added time, of the sum of its own round trips, ${TITLES[name]}`,
      `${times(ratio)} (at most ${times(GOAL)}: ${verdictOn(ratio <= GOAL)})`,
    ];
  });
  const section = [
    '### Added time and round trips',
    '',
    'Of an idle turn, from the update to the request; a round trip is what the process itself waits for, from sending until the answer is there.',
    '',
    ...lines(
      ['', ...backends.map(([name]) => TITLES[name])],
      [
        row('Added time (median)', ({ addedMs }) => milliseconds(addedMs)),
        row('All round trips of a turn, one after another', ({ sum }) => spread(sum)),
        row('The time that they cover, where some are at once', ({ covered }) => spread(covered)),
        row(
          'How many, PostgreSQL / Redis (median)',
          ({ postgres, redis }) => `${postgres} / ${redis}`,
        ),
      ],
    ),
  ].join('\n');
  return { goals, section };
}
