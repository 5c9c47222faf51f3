/** `user suspend | lift`. */

import { type Command, InvalidArgumentError } from 'commander';
import { parseAccount } from './find-user.ts';
import type { Run } from './run.ts';

const DAY_MS = 86_400_000;
const MOST_REASON = 200;

export function addUserStandingCommands(user: Command, run: Run): void {
  user
    .command('suspend')
    .argument('<user>', 'platform:ID, such as telegram:123456; linked accounts with it')
    .description('answer a user no more at others’ expense; their own keys go on')
    .option('--days <days>', 'for so many days only', parseDays)
    .option('--reason <words>', 'what the user is told', parseReason, 'by the operator')
    .action(
      run(
        async (
          { deeds },
          output,
          _signal,
          options: { days?: number; reason: string },
          name: string,
        ) => {
          const until =
            options.days === undefined ? null : new Date(Date.now() + options.days * DAY_MS);
          const { reason } = options;
          const who = parseAccount(name);
          const { id, isKnown } = await deeds.suspend(who, { until, reason }, 'shell');
          output.result({ id, user: name, until, reason }, [
            `Suspended ${name} ${until === null ? 'until you lift it' : `until ${until.toISOString()}`} (suspension ${id}).`,
            ...(isKnown ? [] : ['Nobody of this name has written yet, or they were forgotten.']),
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
      run(async ({ deeds }, output, _signal, _options, name: string) => {
        const lifted = await deeds.lift(parseAccount(name), 'shell');
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
