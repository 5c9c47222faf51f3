/** `house status | pause | resume`. */

import type { Command } from 'commander';
import { readHousePause } from '../funding/house-pause.ts';
import { houseState } from '../funding/house-state.ts';
import { formatUsd } from '../funding/money.ts';
import type { Run } from './run.ts';

export function addHouseCommands(program: Command, run: Run): void {
  const house = program.command('house').description('what the house pays, and whether it does');

  house
    .command('status')
    .description('whether the house pays, and what of its day is used')
    .action(
      run(async ({ db, config }, output) => {
        const state = await houseState(db, config.allowance.houseDailyMicros);
        const { paused, spentMicros, reservedMicros, limitMicros, resetsAt } = state;
        output.result(state, [
          paused === undefined
            ? 'The house pays.'
            : `The house is PAUSED since ${paused.since.toISOString()}, by ${paused.by}.`,
          `Today: ${formatUsd(spentMicros)} spent and ${formatUsd(reservedMicros)} set aside of ${formatUsd(limitMicros)}; the next day begins ${resetsAt.toISOString()}.`,
        ]);
        return 0;
      }),
    );

  house
    .command('pause')
    .description('let the house pay for nobody; users are told, and asked for keys of their own')
    .addHelpText(
      'after',
      '\nIt holds at once, in every process, and over restarts. Answers that are being written end;\nkeys of users’ own go on.',
    )
    .action(
      run(async ({ db, deeds }, output) => {
        const changed = await deeds.pauseHouse('shell');
        const paused = await readHousePause(db);
        output.result({ paused, changed }, [
          changed
            ? 'Paused: the house pays for nobody until npm run admin -- house resume.'
            : `The house was paused before${paused === undefined ? '' : `, by ${paused.by}, ${paused.since.toISOString()}`}.`,
        ]);
        return 0;
      }),
    );

  house
    .command('resume')
    .description('let the house pay again')
    .action(
      run(async ({ deeds }, output) => {
        const changed = await deeds.resumeHouse('shell');
        output.result({ changed }, [changed ? 'The house pays again.' : 'It was not paused.']);
        return 0;
      }),
    );
}
