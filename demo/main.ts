/** Entry: plays the demo, takes everything down again, and says in one sentence what went wrong. */

import { Screen } from './screen.ts';

/** After which the demo has failed. */
const AT_MOST_MS = 55_000;
/** For taking down, and for a start that is under way then and has to come to its end first. */
const CLOSE_MS = 20_000;
const STARTING =
  'Latchkey starts, with a database of its own, between simulated Telegram, Discord, OpenAI and Anthropic. Nothing leaves this machine.';
const WIDEST = 96;
const NARROWEST = 50;

class Interrupted extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('interrupted');
    this.exitCode = exitCode;
  }
}

const ended = Promise.withResolvers<never>();
ended.promise.catch(() => undefined);
const closers: (() => Promise<void>)[] = [];

// They stay: a second Ctrl+C must not cut off the clearing away.
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
] as const) {
  process.on(signal, () => ended.reject(new Interrupted(128 + number)));
}
// Nothing may end the process before everything is taken down.
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => ended.reject(error));
}
// Whoever reads has enough (`npm run demo | head`).
process.stdout.on('error', () => ended.reject(new Interrupted(0)));
const late = setTimeout(
  () => ended.reject(new Error(`it was not through after ${AT_MOST_MS / 1000} s`)),
  AT_MOST_MS,
);

/** Set before anything is awaited: what is under way has to end before it can be taken down. */
let staging: Promise<unknown> = Promise.resolve();
let isOver = false;

async function run(): Promise<void> {
  const [{ setStage }, { play }] = await Promise.all([import('./stage.ts'), import('./play.ts')]);
  const write = (text: string) => {
    if (!isOver) process.stdout.write(text);
  };
  const stage = setStage({
    onClose: (close) => closers.push(close),
    isOver: () => isOver,
  });
  staging = stage;
  const screen = new Screen({
    write,
    color: process.stdout.isTTY === true && process.stdout.hasColors(),
    width: Math.max(NARROWEST, Math.min(WIDEST, process.stdout.columns ?? WIDEST)),
  });
  screen.aside(STARTING);
  const set = await stage;
  await Promise.race([play(set, screen), set.broken]);
}

async function close(): Promise<void> {
  await staging.catch(() => undefined);
  for (const one of closers.splice(0).reverse()) await one().catch(() => undefined);
}

function explain(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') {
    return 'packages are missing: run npm ci first';
  }
  const why = error instanceof Error ? error.message : String(error);
  return why.replace(/\s*\n\s*/g, ' ').replace(/\.$/, '');
}

let exitCode = 0;
try {
  await Promise.race([run(), ended.promise]);
} catch (error) {
  isOver = true;
  exitCode = error instanceof Interrupted ? error.exitCode : 1;
  const sentence =
    error instanceof Interrupted ? 'Clearing away…' : `The demo failed: ${explain(error)}.`;
  if (exitCode !== 0) process.stderr.write(`${sentence}\n`);
}
clearTimeout(late);
setTimeout(() => process.exit(exitCode), CLOSE_MS);
await close();
process.exit(exitCode);
