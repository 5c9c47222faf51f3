/** `stats`: who asked how much, on whose money, by day. Numbers only. */

import type { Command } from 'commander';
import type { Database } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';
import { houseToday } from '../funding/house-state.ts';
import { formatUsd } from '../funding/money.ts';
import { mailboxDepth } from '../queue/depth.ts';
import { parseDaysBack } from './days.ts';
import { table } from './output.ts';
import type { Run } from './run.ts';

interface DayRow {
  readonly [name: string]: unknown;
  readonly day: string;
  readonly funding: string;
  readonly model: string;
  readonly turns: number;
  readonly failed: number;
  readonly users: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costMicros: number;
}

export function addStatsCommand(program: Command, run: Run): void {
  program
    .command('stats')
    .description('turns by day, funding and model; users; mailboxes; what the house spent')
    .option('--days <days>', 'so many days back, today included (UTC)', parseDaysBack, 7)
    .action(
      run(async ({ db, config }, output, _signal, options: { days: number }) => {
        const [days, users, mailbox, today] = await Promise.all([
          turnsByDay(db, options.days),
          countUsers(db),
          mailboxDepth(db),
          houseToday(db),
        ]);
        const limitMicros = config.allowance.houseDailyMicros;
        const spentMicros = today.spentMicros + today.reservedMicros;
        const leftMicros = Math.max(0, limitMicros - spentMicros);
        const house = { ...today, limitMicros, leftMicros };
        output.result({ days, users, mailbox, house }, [
          ...(days.length === 0
            ? [`No turn ended within ${options.days} ${options.days === 1 ? 'day' : 'days'}.`]
            : dayTable(days)),
          '',
          `Users: ${users.all}, of whom ${users.withKeys} have a key of their own; ${users.active} asked something within a week.`,
          `Mailboxes: ${mailbox.queued} turns wait, ${mailbox.running} run; the oldest has waited ${Math.round(mailbox.oldestSeconds)} s.`,
          `The house today (UTC): ${formatUsd(today.spentMicros)} spent, ${formatUsd(today.reservedMicros)} reserved, ${formatUsd(leftMicros)} of ${formatUsd(limitMicros)} left.`,
        ]);
        return 0;
      }),
    );
}

/** By the day (UTC) on which turns ended, newest first. */
async function turnsByDay(db: Database, days: number): Promise<readonly DayRow[]> {
  return db.execute<DayRow>(sql`
    select to_char(finished_at at time zone 'UTC', 'YYYY-MM-DD') as day,
           coalesce(funding, '–') as funding,
           coalesce(provider || '/' || model, '–') as model,
           count(*)::int as turns,
           count(*) filter (where status <> 'done')::int as failed,
           count(distinct user_id)::int as users,
           coalesce(sum(input_tokens), 0)::float8 as "inputTokens",
           coalesce(sum(output_tokens), 0)::float8 as "outputTokens",
           coalesce(sum(cost_micros), 0)::float8 as "costMicros"
    from turns
    where finished_at >= (date_trunc('day', now() at time zone 'UTC')
                          - (${days}::int - 1) * interval '1 day') at time zone 'UTC'
    group by 1, 2, 3
    order by 1 desc, 4 desc, 3`);
}

async function countUsers(db: Database) {
  const [row] = await db.execute<{ all: number; withKeys: number; active: number }>(sql`
    select (select count(*)::int from users) as all,
           (select count(distinct user_id)::int from api_keys) as "withKeys",
           (select count(distinct user_id)::int from turns
            where created_at > now() - interval '7 days') as active`);
  return row ?? { all: 0, withKeys: 0, active: 0 };
}

function dayTable(days: readonly DayRow[]): readonly string[] {
  const shown = (count: number) => count.toLocaleString('en-US').replaceAll(',', ' ');
  return table([
    ['DAY (UTC)', 'PAID BY', 'MODEL', 'TURNS', 'NOT DONE', 'USERS', 'TOKENS IN', 'OUT', 'COST'],
    ...days.map((row) => [
      row.day,
      row.funding,
      row.model,
      shown(row.turns),
      shown(row.failed),
      shown(row.users),
      shown(row.inputTokens),
      shown(row.outputTokens),
      formatUsd(row.costMicros),
    ]),
  ]);
}
