/** `totals` and `top`. */

import type { Command } from 'commander';
import { formatUsd } from '../funding/money.ts';
import { daysAgo, mostExpensive, sumBy, totals } from '../funding/totals.ts';
import { shortId } from '../users/standing.ts';
import { parseDaysBack } from './days.ts';
import { table } from './output.ts';
import type { Run } from './run.ts';

const DAYS = 7;
export function addSpendingCommands(program: Command, run: Run): void {
  program
    .command('totals')
    .description('what was answered and what it cost: by day, by who paid, and by model')
    .option('--days <days>', 'so many days (UTC), today included', parseDaysBack, DAYS)
    .addHelpText(
      'after',
      '\nWhat is under way is not in it yet. Those who were forgotten since are. A + behind a cost says\nthat answers of models without a known price are not in it.',
    )
    .action(
      run(async ({ db }, output, _signal, { days }: { days: number }) => {
        const since = daysAgo(days);
        const rows = await totals(db, since);
        const part = (title: string, nameOf: Parameters<typeof sumBy>[1]) => [
          '',
          ...table([
            [title, 'ANSWERS', 'TOKENS', 'COST'],
            ...sumBy(rows, nameOf).map((sum) => [
              sum.name,
              String(sum.turns),
              String(sum.tokens),
              `${formatUsd(sum.costMicros)}${sum.unpricedTurns > 0 ? '+' : ''}`,
            ]),
          ]),
        ];
        output.result(
          { since, days, rows },
          rows.length === 0
            ? [`Nothing was answered since ${since.toISOString().slice(0, 10)}.`]
            : [
                `Since ${since.toISOString().slice(0, 10)}, UTC:`,
                ...part('DAY', ({ day }) => day),
                ...part('PAID BY', ({ funding }) => funding),
                ...part('MODEL', ({ provider, model }) => `${provider}/${model}`),
              ],
        );
        return 0;
      }),
    );

  program
    .command('top')
    .description('the ten most expensive users')
    .option('--days <days>', 'of so many days (UTC), today included', parseDaysBack, DAYS)
    .addHelpText(
      'after',
      '\nFirst those who cost the house (and pools) most; then those who paid most themselves. The short\nname is the beginning of what providers are given as the user.',
    )
    .action(
      run(async ({ db, ring }, output, _signal, { days }: { days: number }) => {
        const since = daysAgo(days);
        const users = (await mostExpensive(db, since)).map(({ userId, ...user }) => ({
          shortId: shortId(ring, userId),
          ...user,
        }));
        output.result(
          { since, days, users },
          users.length === 0
            ? ['Nobody was answered.']
            : table([
                ['NAME', 'ACCOUNTS', 'ANSWERS', 'OTHERS PAID', 'IN ALL', 'BY'],
                ...users.map((user) => [
                  user.shortId,
                  user.accounts.join(' '),
                  String(user.turns),
                  formatUsd(user.othersMicros),
                  formatUsd(user.costMicros),
                  Object.entries(user.byFunding)
                    .map(([funding, micros]) => `${funding} ${formatUsd(micros)}`)
                    .join(', '),
                ]),
              ]),
        );
        return 0;
      }),
    );
}
