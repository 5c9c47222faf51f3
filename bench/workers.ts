/** Turns a second for one, two and four workers beside one bot, each a process of its own. */

import { cpus } from 'node:os';
import { startLatchkeyOn } from './bots.ts';
import { meet, throughput } from './measure.ts';
import { processorTime, type Running } from './processes.ts';
import type { Goal, Result } from './report.ts';
import { openStage } from './stage.ts';
import { openStorage } from './storage.ts';
import { lines, milliseconds, times } from './table.ts';

const WORKERS = [1, 2, 4] as const;

export interface WorkersFigures {
  readonly workers: number;
  readonly turnsPerSecond: number;
  /** Milliseconds of processor time a turn: the bot's, and all workers'. */
  readonly processorMs: { readonly bot: number; readonly workers: number };
}

/** @param turns of each step; `mostSeconds` ends a step earlier */
export async function measureWorkers({
  turns,
  mostSeconds,
  profileDir,
}: {
  readonly turns: number;
  readonly mostSeconds: number;
  readonly profileDir?: string | undefined;
}): Promise<readonly WorkersFigures[]> {
  const storage = await openStorage('redis');
  const stage = await openStage();
  const running: Running[] = [];
  const start = async (role: 'bot' | 'worker') => {
    const { platform, provider } = stage;
    const settings = { ROLE: role };
    const one = await startLatchkeyOn(storage, { platform, provider, settings, profileDir });
    running.push(one);
    return one;
  };
  const timeOf = async (processes: readonly Running[]) => {
    const times = await Promise.all(processes.map(({ pid }) => processorTime(pid)));
    return times.reduce((sum, time) => sum + time, 0);
  };
  try {
    // The bot makes the key ring, which a worker takes as it is.
    const bot = await start('bot');
    const workers: Running[] = [];
    const figures: WorkersFigures[] = [];
    for (const wanted of WORKERS) {
      while (workers.length < wanted) workers.push(await start('worker'));
      // Everybody's first turn, and the warming up of a worker that is new.
      await meet(stage);
      const before = [await timeOf([bot]), await timeOf(workers)] as const;
      const answered = stage.answered;
      const turnsPerSecond = await throughput(stage, turns, mostSeconds);
      const perTurn = 1_000 / (stage.answered - answered);
      figures.push({
        workers: wanted,
        turnsPerSecond,
        processorMs: {
          bot: ((await timeOf([bot])) - before[0]) * perTurn,
          workers: ((await timeOf(workers)) - before[1]) * perTurn,
        },
      });
    }
    if (stage.unexpected.length > 0) throw new Error(`the bot said: ${stage.unexpected[0]}`);
    return figures;
  } finally {
    for (const one of running.reverse()) await one.stop();
    await stage.close();
    await storage.close();
  }
}

export function workersResult(figures: readonly WorkersFigures[]): Result {
  const [one] = figures;
  const growth = (turnsPerSecond: number) =>
    times(turnsPerSecond / (one?.turnsPerSecond ?? Number.NaN));
  const section = [
    '### Workers',
    '',
    `Turns a second of 200 users beside one bot, on Redis and PostgreSQL. All of it, the databases and the stand-ins too, shares ${cpus().length} cores: when those are busy, more workers have nothing left to win.`,
    '',
    ...lines(
      ['workers', 'turns a second', 'of one worker’s', 'processor time a turn, bot / workers'],
      figures.map(({ workers, turnsPerSecond, processorMs }) => [
        String(workers),
        turnsPerSecond.toFixed(0),
        growth(turnsPerSecond),
        `${milliseconds(processorMs.bot)} / ${milliseconds(processorMs.workers)}`,
      ]),
    ),
  ].join('\n');
  const goals = figures.slice(1).map(({ workers, turnsPerSecond }): Goal => {
    return [`Turns a second of ${workers} workers, of one worker’s`, growth(turnsPerSecond)];
  });
  return { goals, section };
}
