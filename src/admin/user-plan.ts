/** `user grant | plan`: which plan somebody has. */

import { type Command, InvalidArgumentError } from 'commander';
import { DateTime } from 'luxon';
import type { Database } from '../db/client.ts';
import { and, eq, sql } from '../db/drizzle.ts';
import { identities } from '../db/schema.ts';
import { createUserPlans, grantPlan, readGrant } from '../funding/plans.ts';
import { FREE_PLAN, type Plan, type Plans, plansOf } from '../funding/plans-file.ts';
import { StartError } from '../start-error.ts';
import { findUser, type NamedAccount, parseAccount, unknownUser } from './find-user.ts';
import type { Run } from './run.ts';

export function addUserPlanCommands(program: Command, run: Run): void {
  const user =
    program.commands.find((command) => command.name() === 'user') ??
    program.command('user').description('what users may do here');

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
          { db, config },
          output,
          _signal,
          options: { plan: string; until?: string },
          name: string,
        ) => {
          const plan = planNamed(await plansOf(config), options.plan);
          const until = options.until === undefined ? null : endOf(options.until, plan);
          const userId = await ownUser(db, parseAccount(name));
          if (userId === undefined) throw unknownUser(name);
          await grantPlan(db, userId, { plan: plan.name, until, at: new Date(), by: 'operator' });
          output.result({ user: name, plan: plan.name, until }, [
            `${name} has the plan "${plan.name}"${until === null ? '' : ` until ${until.toISOString()}`}.`,
          ]);
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
        const userId = await findUser(db, account);
        const ownId = await ownUser(db, account);
        if (userId === undefined || ownId === undefined) throw unknownUser(name);
        const unknown: string[] = [];
        const { plan, until } = await createUserPlans({
          db,
          plans: await plansOf(config),
          onUnknown: (other) => unknown.push(other),
        }).standing(userId);
        const granted = (await readGrant(db, ownId)) ?? null;
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

/** Whom a grant stays with when accounts are separated again: the account's own user. */
async function ownUser(
  db: Database,
  { platform, platformUserId }: NamedAccount,
): Promise<number | undefined> {
  const [found] = await db
    .select({
      userId: sql<number>`coalesce(${identities.ownUserId}, ${identities.userId})`.mapWith(Number),
    })
    .from(identities)
    .where(and(eq(identities.platform, platform), eq(identities.platformUserId, platformUserId)));
  return found?.userId;
}

function planNamed({ plans }: Plans, name: string): Plan {
  const plan = plans.get(name);
  if (plan !== undefined) return plan;
  throw new StartError(
    `There is no plan "${name}": PLANS_FILE has ${[...plans.keys()].join(', ')}.`,
  );
}

/** That day is part of it, in the plan's own time zone. */
function endOf(day: string, { timeZone }: Plan): Date {
  const until = DateTime.fromISO(day, { zone: timeZone }).plus({ days: 1 }).toJSDate();
  if (until <= new Date()) throw new StartError(`${day} is over.`);
  return until;
}

function parseDay(text: string): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || !DateTime.fromISO(text).isValid) {
    throw new InvalidArgumentError('It is a day, such as 2026-12-31.');
  }
  return text;
}
