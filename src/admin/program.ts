/** Every command of the operator's shell. */

import { Command } from 'commander';
import { parseConfig, readEnvironment } from '../config.ts';
import { addAuditCommands } from './audit.ts';
import { addBackupCommands } from './backup.ts';
import { addDoctorCommand } from './doctor.ts';
import { addHouseCommands } from './house.ts';
import { addKeyRingCommands } from './key-ring.ts';
import { addModerationCommands } from './moderation.ts';
import type { Output } from './output.ts';
import type { Run, RunWithout } from './run.ts';
import { withSession } from './session.ts';
import { addSpendingCommands } from './spending.ts';
import { addStatsCommand } from './stats.ts';
import { addUserPlanCommands } from './user-plan.ts';
import { addUserShowCommand } from './user-show.ts';
import { addUserStandingCommands } from './user-standing.ts';
import { addVoucherCommands } from './voucher.ts';

export function createProgram(outputOf: () => Output): Command {
  const program = new Command('npm run admin --')
    .description(
      'Latchkey, from the operator’s shell. It works beside a running bot or without\none, with the same settings: environment variables, or lines of .env.',
    )
    .option('--json', 'print the result as JSON')
    .helpCommand(false)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true });
  const runWithout: RunWithout =
    (work) =>
    async (...given) => {
      const command = given.at(-1);
      if (!(command instanceof Command)) throw new TypeError('commander passed no command');
      const stop = new AbortController();
      const onSignal = () => stop.abort();
      process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
      // The arguments are what commander parsed by the command's own declarations.
      process.exitCode = await Reflect.apply(work, undefined, [
        outputOf(),
        stop.signal,
        command.opts(),
        ...command.args,
      ]);
    };
  const run: Run = (work) =>
    runWithout((output, ...given) =>
      withSession(output, (session) => Reflect.apply(work, undefined, [session, output, ...given])),
    );
  addKeyRingCommands(program, run, runWithout);
  addAuditCommands(program, run);
  addBackupCommands(program, run, runWithout);
  addModerationCommands(program, run);
  const user = program.command('user').description('what users may do here');
  addUserShowCommand(user, run);
  addUserStandingCommands(user, run);
  addUserPlanCommands(user, run);
  addStatsCommand(program, run);
  addDoctorCommand(program, async (work) => {
    const config = () => parseConfig(readEnvironment());
    process.exitCode = await work(config, outputOf());
  });
  addHouseCommands(program, run);
  addSpendingCommands(program, run);
  addVoucherCommands(program, run);
  for (const command of program.commands) {
    for (const each of [command, ...command.commands]) {
      // `--json` is the program's, and is taken behind each command as well.
      each.exitOverride().helpCommand(false);
    }
  }
  return program;
}
