/** The parts of the benchmark, in the order in which they run and are reported. */

import { acceptResult, measureAccept } from './accept.ts';
import { BOT_NAMES, type BotName } from './bots.ts';
import { measureDiscord } from './discord-figures.ts';
import { discordReport } from './discord-report.ts';
import type { Extent } from './extent.ts';
import { type Figures, measure } from './figures.ts';
import { measureGrowth } from './growth.ts';
import { growthResult } from './growth-report.ts';
import { botsResult, type Result } from './report.ts';
import { measureRoundTrips, roundTripsResult } from './round-trips.ts';
import { measureSealing, sealingReport } from './sealing.ts';
import { measureStarts, startsResult } from './start-up.ts';
import { measureWorkers, workersResult } from './workers.ts';

export interface RunOptions {
  readonly extent: Extent;
  readonly isWanted: (name: string) => boolean;
  /** Where `.cpuprofile` files go; absent: no profiling. */
  readonly profileDir?: string | undefined;
  readonly onPhase: (phase: string) => void;
}

type Part = (options: RunOptions) => Promise<Result>;

/** Each by its name in `--only`. */
const PARTS: ReadonlyMap<string, Part> = new Map<string, Part>([
  [
    'round-trips',
    async ({ extent }) => roundTripsResult(await measureRoundTrips(extent.roundTrips)),
  ],
  [
    'accept',
    async ({ extent, profileDir }) =>
      acceptResult(await measureAccept({ ...extent.accept, profileDir })),
  ],
  [
    'workers',
    async ({ extent, profileDir }) =>
      workersResult(await measureWorkers({ ...extent.workers, profileDir })),
  ],
  ['starts', async ({ extent }) => startsResult(await measureStarts(extent))],
  [
    'growth',
    async ({ extent, onPhase }) => growthResult(await measureGrowth(extent.growth, onPhase)),
  ],
  [
    'discord',
    async ({ extent, ...options }) => ({
      section: discordReport(await measureDiscord(extent.discord, options), extent.discord),
    }),
  ],
  [
    'sealing',
    async ({ extent }) => ({ section: sealingReport(await measureSealing(extent.sealing)) }),
  ],
]);

export const PART_NAMES: readonly string[] = [...BOT_NAMES, ...PARTS.keys()];

export async function runParts(options: RunOptions): Promise<readonly Result[]> {
  const { extent, isWanted, onPhase } = options;
  const results: Result[] = [];
  const bots = new Map<BotName, Figures>();
  for (const name of BOT_NAMES.filter(isWanted)) {
    const figures = await measure(name, extent, {
      profileDir: options.profileDir,
      onPhase: (phase) => onPhase(`${name}: ${phase}`),
    });
    bots.set(name, figures);
  }
  if (bots.size > 0) results.push(botsResult(bots, extent));
  for (const [name, part] of PARTS) {
    if (!isWanted(name)) continue;
    onPhase(name);
    results.push(await part({ ...options, onPhase: (phase) => onPhase(`${name}: ${phase}`) }));
  }
  return results;
}
