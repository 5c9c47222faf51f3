/**
 * What the past costs: the same with few and with many stored turns. Both installations stand side
 * by side and are measured in turn, so that a machine that slows down slows both.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Acceptance, openAcceptance, startIntake } from './accept.ts';
import { settingsOn, startLatchkeyOn } from './bots.ts';
import type { Extent } from './extent.ts';
import { fillWithTurns } from './growth-fill.ts';
import { openTurnParts, type TurnParts, type TurnTimes } from './growth-parts.ts';
import { openStage, type Stage } from './stage.ts';
import { type Spread, spreadOf } from './stats.ts';
import { openStorage, type Storage } from './storage.ts';

/** People under test, each with a full window of context behind them. */
const PEOPLE = 5;
const WINDOW = 40;
/** Who writes by webhook, and how often each has before it counts. */
const WRITERS = 20;
const ROUNDS = 5;
/** Parts in which the updates come, so that the installations take turns. */
const BURSTS = 5;

type GrowthExtent = Extent['growth'];

export interface GrowthFigures {
  readonly turns: number;
  readonly fillSeconds: number;
  readonly steps: Readonly<Record<keyof TurnTimes, Spread>>;
  readonly startMs: number;
  readonly idle: Spread;
  /** Of the bursts. */
  readonly perSecond: Spread;
}

interface Site {
  readonly turns: number;
  readonly storage: Storage;
  readonly stage: Stage;
  fillSeconds: number;
  readonly times: TurnTimes[];
  startMs: number;
  readonly idle: number[];
  readonly perSecond: number[];
}

/** @returns for few and for many past turns */
export async function measureGrowth(
  extent: GrowthExtent,
  onPhase: (phase: string) => void,
): Promise<readonly GrowthFigures[]> {
  const closers: (() => Promise<void>)[] = [];
  try {
    const sites: Site[] = [];
    for (const turns of [extent.few, extent.many]) {
      const storage = await openStorage('redis');
      closers.push(storage.close);
      const stage = await openStage();
      closers.push(stage.close);
      const nothing = { fillSeconds: 0, times: [], startMs: 0, idle: [], perSecond: [] };
      sites.push({ turns, storage, stage, ...nothing });
    }
    await measureSteps(sites, extent, onPhase);
    onPhase('processes');
    await measureProcesses(sites, extent, onPhase);
    return sites.map(figuresOf);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** The steps of a turn, in this process. */
async function measureSteps(
  sites: readonly Site[],
  { samples }: GrowthExtent,
  onPhase: (phase: string) => void,
): Promise<void> {
  const opened: { readonly site: Site; readonly parts: TurnParts }[] = [];
  try {
    for (const site of sites) {
      const parts = await openTurnParts(settingsOn(site.storage, site.stage));
      opened.push({ site, parts });
      onPhase(`${site.turns} turns`);
      const begun = performance.now();
      await fillWithTurns(site.storage.databaseUrl ?? '', site.turns - PEOPLE * WINDOW);
      site.fillSeconds = (performance.now() - begun) / 1_000;
    }
    onPhase('conversations');
    await Promise.all(
      opened.map(async ({ parts }) => {
        for (let n = 0; n < PEOPLE * WINDOW; n += 1) await parts.run(n % PEOPLE);
      }),
    );
    onPhase('the steps of a turn');
    for (let n = 0; n < samples; n += 1) {
      for (const { site, parts } of opened) site.times.push(await parts.run(n % PEOPLE));
    }
  } finally {
    for (const { parts } of opened) await parts.close();
  }
}

/** A bot by webhook and a worker, each a process; then the bot alone. */
async function measureProcesses(
  sites: readonly Site[],
  { idleSamples, updates }: GrowthExtent,
  onPhase: (phase: string) => void,
): Promise<void> {
  const closers: (() => Promise<void>)[] = [];
  try {
    const served = [];
    for (const site of sites) {
      const { storage, stage } = site;
      const intake = await startIntake(storage, stage);
      closers.push(() => intake.stop());
      site.startMs = intake.startMs;
      const { platform, provider } = stage;
      const worker = await startLatchkeyOn(storage, {
        platform,
        provider,
        settings: { ROLE: 'worker' },
      });
      closers.push(() => worker.stop());
      await stage.telegram.postTo(intake.webhook);
      served.push({ site, intake, worker });
    }
    onPhase('idle');
    const writer = (n: number) => 1_000 + (n % WRITERS);
    for (const { stage } of sites) {
      for (let n = 0; n < WRITERS * ROUNDS; n += 1) await stage.ask(writer(n));
    }
    for (let n = 0; n < idleSamples; n += 1) {
      for (const { idle, stage } of sites) {
        const { handedOutAt, requestedAt } = await stage.ask(writer(n));
        idle.push(requestedAt - handedOutAt);
        await sleep(20);
      }
    }
    onPhase('accepting');
    const accepting: { readonly site: Site; readonly acceptance: Acceptance }[] = [];
    for (const { site, intake, worker } of served) {
      await worker.stop();
      const acceptance = await openAcceptance(site.storage, intake);
      closers.push(acceptance.close);
      accepting.push({ site, acceptance });
    }
    for (let n = 0; n < BURSTS; n += 1) {
      for (const { site, acceptance } of accepting) {
        const figures = await acceptance.measure(Math.ceil(updates / BURSTS));
        if (figures.lost + figures.doubled > 0) throw new Error('an update was lost or doubled');
        site.perSecond.push(figures.perSecond);
      }
    }
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

function figuresOf({ turns, fillSeconds, times, startMs, idle, perSecond }: Site): GrowthFigures {
  const step = (name: keyof TurnTimes) => spreadOf(times.map((one) => one[name]));
  return {
    turns,
    fillSeconds,
    steps: {
      accept: step('accept'),
      claim: step('claim'),
      prepare: step('prepare'),
      funding: step('funding'),
      context: step('context'),
      settle: step('settle'),
      usage: step('usage'),
    },
    startMs,
    idle: spreadOf(idle),
    perSecond: spreadOf(perSecond),
  };
}
