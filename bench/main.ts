/** Entry: measures the bare script and Latchkey on both backends and platforms in one run, and prints the report. */

import { parseArgs } from 'node:util';
import { BOT_NAMES } from './bots.ts';
import { measureDiscord } from './discord-figures.ts';
import { type Figures, FULL, measure, QUICK } from './figures.ts';
import { ledgerReport, measureLedger } from './ledger.ts';
import { report, writeReport } from './report.ts';
import { measureSealing, sealingReport } from './sealing.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    only: { type: 'string' },
    profile: { type: 'string' },
  },
});
const extent = values.quick ? QUICK : FULL;
const SEALING = 'sealing';
const DISCORD = 'discord';
const LEDGER = 'ledger';
const PARTS = [...BOT_NAMES, DISCORD, SEALING, LEDGER];
const isWanted = (name: string) => values.only?.split(',').includes(name) ?? true;
const names = BOT_NAMES.filter(isWanted);
if (!PARTS.some(isWanted)) {
  process.stderr.write(`--only takes ${PARTS.join(', ')}, with commas between them.\n`);
  process.exit(2);
}
if (values.write && (values.quick || values.only !== undefined)) {
  process.stderr.write('--write takes a whole run: leave --quick and --only out.\n');
  process.exit(2);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const all = new Map<(typeof BOT_NAMES)[number], Figures>();
for (const name of names) {
  const figures = await measure(name, extent, {
    profileDir: values.profile,
    onPhase: (phase) => process.stderr.write(`${name}: ${phase}\n`),
  });
  all.set(name, figures);
}
const discord = isWanted(DISCORD)
  ? await measureDiscord(extent.discord, {
      profileDir: values.profile,
      onPhase: (phase) => process.stderr.write(`discord, ${phase}\n`),
    })
  : undefined;
const parts: string[] = [];
if (names.length > 0 || discord !== undefined) parts.push(report(all, discord, extent));
if (isWanted(SEALING)) {
  process.stderr.write(`${SEALING}\n`);
  parts.push(sealingReport(await measureSealing({ samples: values.quick ? 200 : 1_000 })));
}
if (isWanted(LEDGER)) {
  process.stderr.write(`${LEDGER}\n`);
  parts.push(ledgerReport(await measureLedger({ samples: values.quick ? 200 : 2_000 })));
}
const text = parts.join('\n\n');
process.stdout.write(`${text}\n`);
if (values.write) await writeReport(text);
process.exit(0);
