/** `user suspend | lift`. */

import { type Command, InvalidArgumentError } from 'commander';
import { createSuspensions } from '../moderation/suspensions.ts';
import { accountsOf, parseAccount } from './find-user.ts';
import type { Run } from './run.ts';

const DAY_MS = 86_400_000;
const MOST_REASON = 200;

export function addUserStandingCommands(program: Command, run: Run): void {
  const user =
    program.commands.find((command) => command.name() === 'user') ??
    program.command('user').description('what users may do here');

  user
    .command('suspend')
    .argument('<user>', 'platform:ID, such as telegram:123456; linked accounts with it')
    .description('answer a user no more at others’ expense; their own keys go on')
    .option('--days <days>', 'for so many days only', parseDays)
    .option('--reason <words>', 'what the user is told', parseReason, 'by the operator')
    .action(
      run(
        async (
          { db, ring },
          output,
          _signal,
          options: { days?: number; reason: string },
          name: string,
        ) => {
          const { userId, accounts } = await accountsOf(db, parseAccount(name));
          const until =
            options.days === undefined ? null : new Date(Date.now() + options.days * DAY_MS);
          const { reason } = options;
          const id = await createSuspensions({ db, ring }).suspend(accounts, {
            userId,
            until,
            reason,
          });
          output.result({ id, user: name, until, reason }, [
            `Suspended ${name} ${until === null ? 'until you lift it' : `until ${until.toISOString()}`} (suspension ${id}).`,
            ...(userId === null
              ? ['Nobody of this name has written yet, or they were forgotten.']
              : []),
          ]);
          return 0;
        },
      ),
    );

  user
    .command('lift')
    .argument('<user>', 'platform:ID, such as telegram:123456; linked accounts with it')
    .description('lift what a user is suspended for, and forget the warnings')
    .action(
      run(async ({ db, ring }, output, _signal, _options, name: string) => {
        const { accounts } = await accountsOf(db, parseAccount(name));
        const lifted = await createSuspensions({ db, ring }).lift(accounts);
        output.result({ user: name, lifted }, [
          lifted === 0
            ? `Nothing stood against ${name}.`
            : `Lifted: the house answers ${name} again, and flags count from nothing.`,
        ]);
        return 0;
      }),
    );
}

function parseDays(text: string): number {
  const days = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || days <= 0 || days > 36_500) {
    throw new InvalidArgumentError('It is a number of days above 0.');
  }
  return days;
}

function parseReason(text: string): string {
  const reason = text.trim();
  if (reason === '' || reason.length > MOST_REASON) {
    throw new InvalidArgumentError(`It takes 1 to ${MOST_REASON} characters.`);
  }
  return reason;
}
