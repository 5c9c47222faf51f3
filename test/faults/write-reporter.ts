/** Writes the page of a whole run: `npm run faults`. */

import { readdir, writeFile } from 'node:fs/promises';
import type { Reporter, TestModule } from 'vitest/node';
import { faultPage } from './report.ts';
import { playedIn } from './reporter.ts';

const HERE = new URL('.', import.meta.url);
const PAGE = new URL('../../bench/faults.md', import.meta.url);

export default class FaultPageWriter implements Reporter {
  async onTestRunEnd(modules: readonly TestModule[]): Promise<void> {
    const files = (await readdir(HERE)).filter((name) => name.endsWith('.test.ts'));
    if (modules.length < files.length) {
      process.stdout.write(
        `\nOnly ${modules.length} of ${files.length} files ran: nothing is written\n`,
      );
      return;
    }
    const played = playedIn(modules);
    await writeFile(PAGE, faultPage(played, new Date()));
    process.stdout.write(`\n${PAGE.pathname} is written\n`);
  }
}
