/** `user show`. */

import type { Command } from 'commander';
import { formatUsd } from '../funding/money.ts';
import { readGrant } from '../funding/plans.ts';
import { accountsOf } from '../users/accounts.ts';
import {
  type Standing,
  type StandingSuspension,
  standingOf,
  suspensionsOf,
} from '../users/standing.ts';
import { parseAccount, unknownUser } from './find-user.ts';
import { table } from './output.ts';
import type { Run } from './run.ts';

export function addUserShowCommand(user: Command, run: Run): void {
  user
    .command('show')
    .argument('<user>', 'platform:ID, such as telegram:123456')
    .description('accounts, keys, budgets, last turns and suspensions of a user; no words, no keys')
    .action(
      run(async ({ db, ring }, output, _signal, _options, name: string) => {
        const { userId, accounts } = await accountsOf(db, parseAccount(name));
        if (userId !== null) {
          const standing = await standingOf({ db, ring }, userId);
          const plan = (await readGrant(db, userId)) ?? null;
          output.result({ ...standing, plan }, [...say(standing), '', sayPlan(plan)]);
          return 0;
        }
        // A suspension outlasts /forget.
        const suspensions = await suspensionsOf({ db, ring }, accounts);
        if (suspensions.length === 0) throw unknownUser(name);
        output.result({ userId, suspensions }, [
          `${name} is not known here any more, or has not written yet.`,
          ...saySuspensions(suspensions),
        ]);
        return 0;
      }),
    );
}

type Granted = NonNullable<Awaited<ReturnType<typeof readGrant>>>;

function sayPlan(plan: Granted | null): string {
  if (plan === null) return 'No plan was granted.';
  return `Granted: the plan "${plan.plan}"${plan.until === null ? '' : `, until ${at(plan.until)}`}.`;
}

const at = (moment: Date | null) => moment?.toISOString().slice(0, 19).concat('Z') ?? '–';

function say(user: Standing): readonly string[] {
  return [
    `User ${user.userId}, ${user.shortId}; here since ${at(user.since)}`,
    `Accounts: ${user.accounts.join(' ')}`,
    `Who pays: ${user.payerOrder ?? '–'}; model: ${user.model ?? 'the usual one'}; turns waiting or running: ${user.openTurns}`,
    '',
    ...(user.keys.length === 0
      ? ['No keys.']
      : table([
          ['KEY', 'STATE', 'ADDED', 'LAST USED', 'FORGOTTEN'],
          ...user.keys.map((key) => [
            key.provider,
            key.state,
            at(key.addedAt),
            at(key.lastUsedAt),
            at(key.expiresAt),
          ]),
        ])),
    '',
    ...(user.budgets.length === 0
      ? ['Nothing was counted yet.']
      : table([
          ['BUDGET', 'WINDOW', 'BEGINS', 'TURNS', 'SPENT', 'SET ASIDE', 'GRANTED'],
          ...user.budgets.map((budget) => [
            budget.holder,
            budget.period,
            budget.period === 'total' ? '–' : at(budget.starts),
            String(budget.turns),
            formatUsd(budget.spentMicros),
            formatUsd(budget.reservedMicros),
            formatUsd(budget.grantedMicros),
          ]),
        ])),
    '',
    ...(user.lastTurns.length === 0
      ? ['No turns.']
      : table([
          ['TURN', 'CAME', 'STATE', 'OUTCOME', 'PAID BY', 'MODEL', 'COST'],
          ...user.lastTurns.map((turn) => [
            String(turn.id),
            at(turn.createdAt),
            turn.status,
            turn.outcome ?? '',
            turn.funding ?? '',
            turn.model ?? '',
            turn.costMicros === null ? '' : formatUsd(turn.costMicros),
          ]),
        ])),
    '',
    ...saySuspensions(user.suspensions),
  ];
}

function saySuspensions(suspensions: readonly StandingSuspension[]): readonly string[] {
  if (suspensions.length === 0) return ['Never warned, paused or suspended.'];
  return table([
    ['NUMBER', 'WHAT', 'SINCE', 'UNTIL', 'BY', 'LIFTED', 'APPEALED', 'REASON'],
    ...suspensions.map((one) => [
      String(one.id),
      one.kind,
      at(one.at),
      one.until === null ? 'lifted' : at(one.until),
      one.by,
      at(one.liftedAt),
      at(one.appealedAt),
      one.reason,
    ]),
  ]);
}
