/** Writes the page of a whole run: `npm run faults`. */

import { writeFile } from 'node:fs/promises';
import type { Reporter, TestModule } from 'vitest/node';
import { faultPage } from './report.ts';
import { playedIn } from './reporter.ts';

const PAGE = new URL('../../bench/faults.md', import.meta.url);

export default class FaultPageWriter implements Reporter {
  async onTestRunEnd(modules: readonly TestModule[]): Promise<void> {
    const played = playedIn(modules);
    await writeFile(PAGE, faultPage(played, new Date()));
    process.stdout.write(`\n${PAGE.pathname} is written\n`);
  }
}
