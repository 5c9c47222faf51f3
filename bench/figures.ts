/** Takes one bot through all measurements. */

import { setTimeout as sleep } from 'node:timers/promises';
import { type BotName, startBot } from './bots.ts';
import type { Extent } from './extent.ts';
import {
  besideBacklog,
  meet,
  type Neighbours,
  throughput,
  whenActive,
  whenIdle,
} from './measure.ts';
import { descendantsOf, type Memory, memoryOf, processorTime } from './processes.ts';
import { openStage, type Stage } from './stage.ts';
import type { Spread } from './stats.ts';

export interface Figures {
  readonly idle: Spread;
  readonly active: Spread;
  readonly turnsPerSecond: number;
  /** Milliseconds of processor time a turn, of the bot and of PostgreSQL and Redis beside it. */
  readonly processorMs: { readonly bot: number; readonly beside: number };
  /** Undefined: nobody waits for anybody in the bare script. */
  readonly neighbours: Neighbours | undefined;
  readonly memory: {
    readonly atRest: Memory;
    readonly afterwards: Memory;
    /** PSS of PostgreSQL's and Redis' processes together, in MB. */
    readonly beside: number;
    readonly turns: number;
  };
}

/** In which the garbage of a phase may be collected, in milliseconds. */
const SETTLE_MS = 3_000;

export async function measure(
  name: BotName,
  extent: Extent,
  options: {
    readonly profileDir?: string | undefined;
    readonly onPhase: (phase: string) => void;
  },
): Promise<Figures> {
  const { onPhase, profileDir } = options;
  const stage = await openStage();
  const bot = await startBot(name, { stage, profileDir });
  const besideBot = async () => {
    const pids = await descendantsOf(process.pid);
    return pids.filter((pid) => pid !== bot.pid);
  };
  try {
    onPhase('at rest');
    await sleep(SETTLE_MS);
    const atRest = await memoryOf(bot.pid);
    onPhase('idle');
    await meet(stage);
    await sleep(500);
    const idle = await whenIdle(stage, extent.idleSamples);
    onPhase('200 users active');
    const active = await whenActive(stage, extent.activeSeconds);
    onPhase('turns a second');
    const beside = await besideBot();
    const before = [await processorTime(bot.pid), await totalTime(beside)] as const;
    const answeredBefore = stage.answered;
    const turnsPerSecond = await throughput(stage, extent.throughputTurns, extent.mostSeconds);
    const perTurn = 1_000 / (stage.answered - answeredBefore);
    const processorMs = {
      bot: ((await processorTime(bot.pid)) - before[0]) * perTurn,
      beside: ((await totalTime(beside)) - before[1]) * perTurn,
    };
    let neighbours: Neighbours | undefined;
    if (name !== 'bare') {
      onPhase('B beside A');
      await sleep(500);
      neighbours = await besideBacklog(stage, {
        backlog: extent.backlog,
        samples: extent.neighbourSamples,
      });
    }
    onPhase(`up to ${extent.memoryTurns} turns`);
    const remaining = Math.max(0, extent.memoryTurns - stage.answered);
    await throughput(stage, remaining, extent.mostSeconds);
    await sleep(SETTLE_MS);
    const memory = {
      atRest,
      afterwards: await memoryOf(bot.pid),
      beside: await totalPss(await besideBot()),
      turns: stage.answered,
    };
    refuseIfUnexpected(stage);
    return { idle, active, turnsPerSecond, processorMs, neighbours, memory };
  } finally {
    await bot.stop();
    await stage.close();
  }
}

/** A refusal is quick: it must not be taken for an answer. */
function refuseIfUnexpected({ unexpected }: Stage): void {
  if (unexpected.length > 0) {
    throw new Error(`the bot said ${unexpected.length} other things, such as: ${unexpected[0]}`);
  }
}

async function totalTime(pids: readonly number[]): Promise<number> {
  return sum(await Promise.all(pids.map((pid) => processorTime(pid).catch(() => 0))));
}

async function totalPss(pids: readonly number[]): Promise<number> {
  return sum(
    await Promise.all(
      pids.map((pid) =>
        memoryOf(pid).then(
          ({ pss }) => pss,
          () => 0,
        ),
      ),
    ),
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
