/** Entry: `npm run soak`, a long life in miniature: more and more users, and nothing may grow. */

import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { BACKENDS } from './bots.ts';
import { startSoakBot } from './soak-bot.ts';
import { isFlat, type Sample, type Soak, soakReport } from './soak-report.ts';
import { openStage } from './stage.ts';
import { spreadOf } from './stats.ts';

const PAGE = new URL('./soak.md', import.meta.url);
/** Whoever asks while so many wait does so later: the machine is at its end. */
const MOST_OPEN = 64;
const TICK_MS = 20;
/** Of the length that is asked for. */
const MOST_TIME = 1.25;
const FIRST_USER = 30_000_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    users: { type: 'string' },
    turns: { type: 'string' },
    backend: { type: 'string', default: 'redis' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
// A shorter soak is as dense as the whole one; a longer one gives a slow machine time for as much.
const share = Math.min(1, minutes / 10);
const wanted = {
  users: Number(values.users ?? Math.round(10_000 * share)),
  turns: Number(values.turns ?? Math.round(50_000 * share)),
};
const backend = BACKENDS.find((name) => name === values.backend);
if (
  values.help ||
  backend === undefined ||
  !(minutes > 0) ||
  !(wanted.users > 0) ||
  !(wanted.turns > 0)
) {
  process.stderr.write(
    'npm run soak -- [--minutes 10] [--users 10000] [--turns 50000] [--backend redis|postgres] [--write]\nFewer minutes take as many fewer users and turns, more take the same. --write regenerates bench/soak.md.\n',
  );
  process.exit(values.help ? 0 : 2);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const stage = await openStage();
const bot = await startSoakBot(backend, stage);
const lengthMs = minutes * 60_000;
const everyMs = Math.min(10_000, lengthMs / 30);
const samples: Sample[] = [];
let latencies: number[] = [];
const waiting = new Set<number>();
let [asked, lost, users] = [0, 0, 0];

/** New ones come in turn; else anybody writes who is there already and waits for no answer. */
function nextUser(): number {
  if (asked % Math.max(1, Math.round(wanted.turns / wanted.users)) === 0) return users++;
  for (let tries = 0; tries < 20; tries++) {
    const user = Math.floor(Math.random() * users);
    if (!waiting.has(user)) return user;
  }
  return users++;
}

function askOne(): void {
  const user = nextUser();
  asked += 1;
  waiting.add(user);
  stage.ask(FIRST_USER + user).then(
    ({ writtenAt, answeredAt }) => {
      waiting.delete(user);
      latencies.push(answeredAt - writtenAt);
    },
    () => {
      waiting.delete(user);
      lost += 1;
    },
  );
}

const openNow = () => asked - stage.answered - lost;

async function sample(seconds: number): Promise<void> {
  bot.check();
  const taken = latencies;
  latencies = [];
  const { median, p99 } =
    taken.length === 0 ? { median: Number.NaN, p99: Number.NaN } : spreadOf(taken);
  const one = {
    seconds,
    users,
    turns: stage.answered,
    open: openNow(),
    p50: median,
    p99,
    ...(await bot.look()),
  };
  samples.push(one);
  process.stderr.write(
    `${seconds.toFixed(0)} s: ${users} users, ${one.turns} turns, ${one.open} open, ${one.rss.toFixed(0)} MB, p50 ${median.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms\n`,
  );
}

const begun = performance.now();
let nextSample = everyMs;
let [due, seen] = [0, 0];
for (;;) {
  const passed = performance.now() - begun;
  // A machine that was at its end for a while gets some more time for what it could not be asked.
  if (asked >= wanted.turns || passed >= MOST_TIME * lengthMs) break;
  // What can't be asked in time is not made up for: a burst would look like growth.
  due = Math.min(
    due + (wanted.turns * (passed - seen)) / lengthMs,
    wanted.turns / (lengthMs / 1_000),
  );
  seen = passed;
  for (; due >= 1 && openNow() < MOST_OPEN; due -= 1) askOne();
  if (passed >= nextSample) {
    nextSample += everyMs;
    await sample(passed / 1_000);
  }
  await sleep(TICK_MS);
}
const took = (performance.now() - begun) / 60_000;
// Who is not answered within a minute is given up by the stage.
while (openNow() > 0) await sleep(TICK_MS);
await sample((performance.now() - begun) / 1_000);
await sleep(Math.min(15_000, everyMs * 2));
const soak: Soak = {
  minutes: Number(took.toFixed(1)),
  backend: backend === 'redis' ? 'Redis and PostgreSQL' : 'PostgreSQL alone',
  wanted,
  samples,
  atRest: await bot.look(),
  lost,
  unexpected: stage.unexpected.length,
  states: await bot.turns(),
};
await bot.stop();
await stage.close();
const text = soakReport(soak, new Date());
process.stdout.write(text);
if (values.write) await writeFile(PAGE, text);
process.exit(isFlat(soak) ? 0 : 1);
