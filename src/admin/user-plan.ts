/** `user grant | plan`: which plan somebody has. */

import { type Command, InvalidArgumentError } from 'commander';
import { createUserPlans, readGrant } from '../funding/plans.ts';
import { FREE_PLAN, plansOf } from '../funding/plans-file.ts';
import { isDay } from '../operator/deeds.ts';
import { StartError } from '../start-error.ts';
import { findPerson, parseAccount, unknownUser } from './find-user.ts';
import type { Run } from './run.ts';

export function addUserPlanCommands(user: Command, run: Run): void {
  user
    .command('grant')
    .argument('<user>', 'platform:ID, such as telegram:123456')
    .description(`give a user a plan of PLANS_FILE; "${FREE_PLAN}" takes it back`)
    .requiredOption('--plan <name>', 'its name there')
    .option(
      '--until <date>',
      'the last day of it, such as 2026-12-31; otherwise for good',
      parseDay,
    )
    .action(
      run(
        async (
          { deeds },
          output,
          _signal,
          options: { plan: string; until?: string },
          name: string,
        ) => {
          const what = { plan: options.plan, lastDay: options.until };
          const granted = await deeds.grant(parseAccount(name), what, 'shell');
          switch (granted.result) {
            case 'no-plan':
              throw new StartError(
                `There is no plan "${options.plan}": PLANS_FILE has ${granted.plans.join(', ')}.`,
              );
            case 'no-user':
              throw unknownUser(name);
            case 'no-day':
            case 'day-is-over':
              throw new StartError(`${options.until} is over.`);
            case 'granted': {
              const { plan, until } = granted;
              output.result({ user: name, plan, until }, [
                `${name} has the plan "${plan}"${until === null ? '' : ` until ${until.toISOString()}`}.`,
              ]);
            }
          }
          return 0;
        },
      ),
    );

  user
    .command('plan')
    .argument('<user>', 'platform:ID, such as telegram:123456')
    .description('show which plan a user has, and until when')
    .action(
      run(async ({ db, config }, output, _signal, _options, name: string) => {
        const account = parseAccount(name);
        const person = await findPerson(db, account);
        if (person === undefined) throw unknownUser(name);
        const { userId, ownerId } = person;
        const unknown: string[] = [];
        const { plan, until } = await createUserPlans({
          db,
          plans: await plansOf(config),
          onUnknown: (other) => unknown.push(other),
        }).standing(userId);
        const granted = (await readGrant(db, ownerId)) ?? null;
        output.result({ user: name, plan: plan.name, until, granted }, [
          `${name} has the plan "${plan.name}"${until === null ? '' : ` until ${until.toISOString()}`}.`,
          ...unknown.map((other) => `"${other}" was granted, and PLANS_FILE has no such plan.`),
          ...(granted?.until && granted.until <= new Date()
            ? [`"${granted.plan}" ended ${granted.until.toISOString()}.`]
            : []),
        ]);
        return 0;
      }),
    );
}

function parseDay(text: string): string {
  if (!isDay(text)) throw new InvalidArgumentError('It is a day, such as 2026-12-31.');
  return text;
}
