/** Entry: reads the environment, starts, runs, stops on signals. */

import { setFlagsFromString } from 'node:v8';
import { startApp } from './app.ts';
import { parseConfig, readEnvironment } from './config.ts';
import { createLog, installCrashHandlers, serializeError } from './log.ts';
import { StartError } from './start-error.ts';

/**
 * How far the heap may grow beyond what is alive before it is collected. V8's own measure, up to
 * four times as much, took 420 MB where this takes 230, after 1,200 turns (Node 24; the price is
 * about a tenth of the processor's time).
 */
const HEAP_GROWING_PERCENT = 50;

/**
 * Closes the ways in which a running process shows its memory: without a listener, SIGUSR1 opens
 * the inspector to everybody on the machine, and a diagnostic report lists the environment.
 */
function closeDiagnostics(): void {
  process.on('SIGUSR1', () => {});
  process.report.excludeEnv = true;
}

async function main(): Promise<void> {
  closeDiagnostics();
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`);
  const config = parseConfig(readEnvironment());
  const hasPlatform = config.telegram !== undefined || config.discord !== undefined;
  const hasTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true;

  const log = await createLog({
    // In the terminal's chat, only what matters is written between the messages.
    level: hasPlatform ? config.logLevel : config.logLevel === 'info' ? 'error' : config.logLevel,
    pretty: process.stderr.isTTY === true,
  });
  const stopping = Promise.withResolvers<void>();
  installCrashHandlers({ log, exit: (code) => process.exit(code) });

  let fatal: unknown;
  const app = await startApp({
    config,
    log,
    onStep: (sentence) =>
      hasPlatform ? log.info(sentence) : process.stderr.write(`${sentence}\n`),
    onFatal: (error) => {
      fatal = error;
      stopping.resolve();
    },
    ...(hasPlatform || !hasTerminal
      ? {}
      : {
          terminal: {
            input: process.stdin,
            output: process.stdout,
            onExit: () => stopping.resolve(),
          },
        }),
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      if (hasPlatform) log.info(`${signal}: stopping; running answers get a moment to end`);
      stopping.resolve();
    });
  }
  if (hasPlatform) log.info({ httpPort: app.httpPort }, 'Latchkey is online');

  await stopping.promise;
  await app.stop();
  if (fatal !== undefined) throw fatal;
}

try {
  await main();
  process.exit(0);
} catch (error) {
  const { message, stack } = serializeError(error);
  process.stderr.write(
    error instanceof StartError ? `${message}\n` : `Latchkey failed: ${message}\n${stack}\n`,
  );
  process.exit(1);
}
