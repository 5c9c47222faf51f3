/** How long a process takes from its spawning until it is online. */

import { startLatchkeyOn } from './bots.ts';
import type { Goal, Result } from './report.ts';
import { openStage, type Stage } from './stage.ts';
import { type Spread, spreadOf } from './stats.ts';
import { BACKENDS, type Backend, openStorage, type Storage } from './storage.ts';
import { lines, TITLES, verdictOn } from './table.ts';

/** Seconds, median, on a database that is there. */
const GOAL_S = 3;

export interface StartFigures {
  /** In milliseconds; the first start prepares what is not there yet. */
  readonly empty: number;
  readonly existing: Spread;
}

export async function measureStarts({
  starts,
}: {
  readonly starts: number;
}): Promise<ReadonlyMap<Backend, StartFigures>> {
  const stage = await openStage();
  const all = new Map<Backend, StartFigures>();
  try {
    for (const backend of BACKENDS) {
      const storage = await openStorage(backend);
      try {
        const empty = await startOnce(storage, stage);
        const existing: number[] = [];
        for (let i = 0; i < starts; i += 1) existing.push(await startOnce(storage, stage));
        all.set(backend, { empty, existing: spreadOf(existing) });
      } finally {
        await storage.close();
      }
    }
    return all;
  } finally {
    await stage.close();
  }
}

/** @returns milliseconds; it has served one user, so that a key ring and rows are there */
async function startOnce(storage: Storage, stage: Stage): Promise<number> {
  const { platform, provider } = stage;
  const begun = performance.now();
  const bot = await startLatchkeyOn(storage, { platform, provider });
  const ms = performance.now() - begun;
  await stage.ask(1_000);
  await bot.stop();
  return ms;
}

export function startsResult(all: ReadonlyMap<Backend, StartFigures>): Result {
  const backends = [...all];
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(2)} s`;
  const goals = backends.map(([name, { existing }]): Goal => {
    const verdict = verdictOn(existing.median <= GOAL_S * 1_000);
    return [
      `Start on a database that is there, ${TITLES[name]}`,
      `${seconds(existing.median)} (at most ${GOAL_S} s: ${verdict})`,
    ];
  });
  const section = [
    '### Starting',
    '',
    'From spawning the process to its being online.',
    '',
    ...lines(
      ['', ...backends.map(([name]) => TITLES[name])],
      [
        ['On an empty database', ...backends.map(([, { empty }]) => seconds(empty))],
        [
          `On one that is there, median and most of ${backends[0]?.[1].existing.count ?? 0}`,
          ...backends.map(
            ([, { existing }]) => `${seconds(existing.median)}, ${seconds(existing.max)}`,
          ),
        ],
      ],
    ),
  ].join('\n');
  return { goals, section };
}
