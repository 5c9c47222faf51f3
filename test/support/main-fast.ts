/**
 * src/main.ts with short leases, run as a process of its own. The settings have no name for the
 * timing, on purpose: nobody should tune it. A test that kills processes would wait ten seconds
 * for each lease, though.
 */

import { startApp } from '../../src/app.ts';
import { parseConfig, readEnvironment } from '../../src/config.ts';
import { createLog, installCrashHandlers } from '../../src/log.ts';

const config = parseConfig(readEnvironment());
const log = await createLog({ level: config.logLevel });
installCrashHandlers({ log, exit: (code) => process.exit(code) });
const stopping = Promise.withResolvers<void>();
const app = await startApp({
  config,
  log,
  onStep: (sentence) => log.info(sentence),
  onFatal: (error) => stopping.reject(error),
  tuning: {
    timing: { leaseMs: 2_000, heartbeatMs: 400, sweepMs: 200, graceMs: 200, stopMs: 2_000 },
  },
});
process.once('SIGTERM', () => stopping.resolve());
log.info({ httpPort: app.httpPort }, 'Latchkey is online');
await stopping.promise;
await app.stop();
process.exit(0);
