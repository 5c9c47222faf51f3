/** Prints the table at the end of a run. */

import type { Reporter, TestModule } from 'vitest/node';
import { SEED } from './random.ts';
import { faultTable, type Played } from './report.ts';

export function playedIn(modules: readonly TestModule[]): readonly Played[] {
  return modules.flatMap((module) =>
    [...module.children.allTests()].map((test) => ({
      name: test.name,
      state: test.result().state,
      seconds: (test.diagnostic()?.duration ?? 0) / 1_000,
      count: test.meta().fault,
    })),
  );
}

export default class FaultReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    process.stdout.write(`\nFAULTS_SEED=${SEED}\n\n${faultTable(playedIn(modules))}\n\n`);
  }
}
