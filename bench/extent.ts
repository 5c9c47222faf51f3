/** How much is measured: in a whole run, and in a quick one. */

export interface Extent {
  readonly idleSamples: number;
  readonly activeSeconds: number;
  readonly throughputTurns: number;
  readonly backlog: number;
  readonly neighbourSamples: number;
  /** Ends each of the measurements that count turns, so that a slow bot takes no hour. */
  readonly mostSeconds: number;
  /** All turns of a bot together, before its memory is read for the second time. */
  readonly memoryTurns: number;
  readonly discord: {
    readonly idleSamples: number;
    /** How often everybody asks at once. */
    readonly bursts: number;
    readonly streamSeconds: number;
  };
  /** Updates by webhook. */
  readonly accept: { readonly updates: number };
  /** Turns for each number of workers. */
  readonly workers: { readonly turns: number; readonly mostSeconds: number };
  readonly starts: number;
  readonly roundTrips: { readonly samples: number };
  readonly growth: {
    /** Stored turns. */
    readonly few: number;
    readonly many: number;
    readonly samples: number;
    readonly idleSamples: number;
    readonly updates: number;
  };
  readonly sealing: { readonly samples: number };
}

export const FULL: Extent = {
  idleSamples: 200,
  activeSeconds: 15,
  throughputTurns: 2_000,
  backlog: 500,
  neighbourSamples: 100,
  mostSeconds: 60,
  memoryTurns: 10_000,
  discord: { idleSamples: 50, bursts: 10, streamSeconds: 10 },
  accept: { updates: 10_000 },
  workers: { turns: 1_500, mostSeconds: 25 },
  starts: 5,
  roundTrips: { samples: 200 },
  growth: { few: 1_000, many: 1_000_000, samples: 400, idleSamples: 150, updates: 5_000 },
  sealing: { samples: 1_000 },
};

export const QUICK: Extent = {
  idleSamples: 50,
  activeSeconds: 3,
  throughputTurns: 400,
  backlog: 120,
  neighbourSamples: 25,
  mostSeconds: 5,
  memoryTurns: 1_200,
  discord: { idleSamples: 20, bursts: 3, streamSeconds: 4 },
  accept: { updates: 1_500 },
  workers: { turns: 300, mostSeconds: 5 },
  starts: 2,
  roundTrips: { samples: 40 },
  growth: { few: 1_000, many: 20_000, samples: 40, idleSamples: 20, updates: 1_000 },
  sealing: { samples: 200 },
};
