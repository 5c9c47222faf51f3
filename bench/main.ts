/** Entry: measures what is wanted in one run, and prints the report. */

import { parseArgs } from 'node:util';
import { FULL, QUICK } from './extent.ts';
import { PART_NAMES, runParts } from './parts.ts';
import { profileReport } from './profile.ts';
import { report, writeReport } from './report.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    only: { type: 'string' },
    profile: { type: 'string' },
  },
});
const only = values.only?.split(',');
if (only?.some((name) => !PART_NAMES.includes(name))) {
  process.stderr.write(`--only takes ${PART_NAMES.join(', ')}, with commas between them.\n`);
  process.exit(2);
}
if (values.write && (values.quick || only !== undefined)) {
  process.stderr.write('--write takes a whole run: leave --quick and --only out.\n');
  process.exit(2);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const begun = performance.now();
const results = await runParts({
  extent: values.quick ? QUICK : FULL,
  isWanted: (name) => only?.includes(name) ?? true,
  profileDir: values.profile,
  onPhase: (phase) => {
    const seconds = ((performance.now() - begun) / 1_000).toFixed(0);
    process.stderr.write(`${seconds} s: ${phase}\n`);
  },
});
const text = report(results);
process.stdout.write(`${text}\n`);
if (values.write) await writeReport(text);
if (values.profile !== undefined) {
  process.stderr.write(`\n${await profileReport(values.profile)}\n`);
}
process.exit(0);
