/** What is measured of a running bot, one measurement a function. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { AnswerPlan } from './provider.ts';
import type { Asked, Stage } from './stage.ts';
import { type Spread, spreadOf } from './stats.ts';

/** About what a small model does: an answer of half a second. */
const STREAMED: AnswerPlan = { chunks: 20, chunkMs: 25 };

/** Everybody who writes in these measurements; ids of Telegram. */
const CROWD = 200;
const user = (index: number) => 1_000 + (index % CROWD);

/** In milliseconds, from the update's leaving Telegram to the request's reaching the provider. */
export function latency(asked: readonly Asked[]): Spread {
  return spreadOf(asked.map(({ handedOutAt, requestedAt }) => requestedAt - handedOutAt));
}

/** Lets everybody say something once: makes users, chats and data keys, and warms up what compiles. */
export async function meet(stage: Stage): Promise<void> {
  await Promise.all(Array.from({ length: CROWD }, (_, i) => stage.ask(user(i))));
}

/** One question at a time, with a pause in which whatever follows an answer ends. */
export async function whenIdle(stage: Stage, samples: number): Promise<Spread> {
  const asked: Asked[] = [];
  for (let i = 0; i < samples; i += 1) {
    asked.push(await stage.ask(user(i)));
    await sleep(10 + (i % 20));
  }
  return latency(asked);
}

/**
 * Everybody writes, reads the streamed answer and writes again; together thirty times a second,
 * which is as much as Telegram lets one bot answer.
 */
export async function whenActive(stage: Stage, seconds: number): Promise<Spread> {
  const everyMs = (CROWD / 30) * 1_000;
  const end = performance.now() + seconds * 1_000;
  const asked: Asked[] = [];
  const lives = Array.from({ length: CROWD }, async (_, i) => {
    await sleep((i / CROWD) * everyMs);
    while (performance.now() < end) {
      const one = await stage.ask(user(i), STREAMED);
      asked.push(one);
      const again = one.writtenAt + everyMs * (0.5 + Math.random());
      // Not waited for until the end: timers are early by part of a millisecond, and all would ask.
      if (again >= end) break;
      await sleep(Math.max(0, again - performance.now()));
    }
  });
  await Promise.all(lives);
  return latency(asked);
}

/**
 * Everybody writes again as soon as they are answered, and that at once.
 * @param most ends it early, in seconds
 * @returns turns a second
 */
export async function throughput(stage: Stage, turns: number, most = 60): Promise<number> {
  const begun = performance.now();
  const end = begun + most * 1_000;
  let asked = 0;
  const lives = Array.from({ length: CROWD }, async (_, i) => {
    while (asked < turns && performance.now() < end) {
      asked += 1;
      await stage.ask(user(i));
    }
  });
  await Promise.all(lives);
  return (asked * 1_000) / (performance.now() - begun);
}

export interface Neighbours {
  /** B's wait from writing to the provider's request, in milliseconds. */
  readonly idle: Spread;
  readonly besideA: Spread;
}

/**
 * B asks one question after another: first alone, then while A has `backlog` turns waiting, which
 * are answered at once, so that A takes as much as one user can.
 */
export async function besideBacklog(
  stage: Stage,
  { backlog, samples }: { readonly backlog: number; readonly samples: number },
): Promise<Neighbours> {
  const [a, b] = [user(0), user(1)];
  const askAsB = async () => {
    const asked = await stage.ask(b);
    await sleep(5);
    return asked.requestedAt - asked.writtenAt;
  };
  const idle: number[] = [];
  for (let i = 0; i < samples; i += 1) idle.push(await askAsB());

  const gate = Promise.withResolvers<void>();
  const first = stage.ask(a, { chunks: 1, chunkMs: 0, after: gate.promise });
  let waiting = backlog;
  const others = Array.from({ length: backlog }, () =>
    stage.ask(a).then(() => {
      waiting -= 1;
    }),
  );
  while (stage.telegram.unconfirmed > 0) await sleep(5);
  gate.resolve();
  const besideA: number[] = [];
  // Near the end A has little left, which is another case.
  while (besideA.length < samples && waiting > backlog / 10) besideA.push(await askAsB());
  await Promise.all([first, ...others]);
  return { idle: spreadOf(idle), besideA: spreadOf(besideA) };
}
