/** `moderation list | show | appeals`. */

import { type Command, InvalidArgumentError } from 'commander';
import { and, desc, eq, isNotNull, isNull, sql } from '../db/drizzle.ts';
import { moderationLog, suspensions } from '../db/schema.ts';
import { createVault, VaultError } from '../keys/vault.ts';
import { StartError } from '../start-error.ts';
import { findUser, parseAccount, unknownUser } from './find-user.ts';
import { table } from './output.ts';
import type { Run } from './run.ts';

const SHOWN = 200;

/** The accounts of a user, as the operator names them. */
const accounts = (userId: 'moderation_log.user_id' | 'suspensions.user_id') =>
  sql<string | null>`(
    select string_agg(i.platform || ':' || i.platform_user_id, ' ' order by i.platform)
    from identities i where ${sql.raw(userId)} in (i.user_id, i.own_user_id))`;

export function addModerationCommands(program: Command, run: Run): void {
  const moderation = program
    .command('moderation')
    .description('what moderation decided, and appeals');

  moderation
    .command('list')
    .description('what was decided, newest first, without any words')
    .option('--flagged', 'only what was flagged')
    .option('--user <user>', 'of one user alone: platform:ID, such as telegram:123456')
    .action(
      run(async ({ db }, output, _signal, options: { flagged?: true; user?: string }) => {
        const userId = options.user && (await findUser(db, parseAccount(options.user)));
        if (options.user !== undefined && userId === undefined) throw unknownUser(options.user);
        const rows = await db
          .select({ row: moderationLog, accounts: accounts('moderation_log.user_id') })
          .from(moderationLog)
          .where(
            and(
              options.flagged === undefined ? undefined : eq(moderationLog.action, 'flagged'),
              typeof userId === 'number' ? eq(moderationLog.userId, userId) : undefined,
            ),
          )
          .orderBy(desc(moderationLog.id))
          .limit(SHOWN);
        output.result(
          { decisions: rows.map(({ row, accounts: user }) => ({ ...row, user })) },
          rows.length === 0
            ? ['Nothing.']
            : table([
                ['NUMBER', 'TIME', 'USER', 'WHAT', 'DECISION', 'CATEGORIES', 'LED TO'],
                ...rows.map(({ row, accounts: user }) => [
                  String(row.id),
                  row.at.toISOString(),
                  user ?? row.pseudonym ?? '',
                  row.direction,
                  row.action,
                  row.categories.join(', '),
                  row.consequence ?? '',
                ]),
              ]),
        );
        return 0;
      }),
    );

  moderation
    .command('show')
    .argument('<number>', 'a number of the list', parseNumber)
    .description('the scores of one decision')
    .action(
      run(async ({ db }, output, _signal, _options, id: string) => {
        const [found] = await db
          .select({ row: moderationLog, accounts: accounts('moderation_log.user_id') })
          .from(moderationLog)
          .where(eq(moderationLog.id, Number(id)));
        if (found === undefined) {
          throw new StartError(
            `There is no decision ${id}: it was never made, or is kept no longer.`,
          );
        }
        const { row, accounts: user } = found;
        output.result({ ...row, user }, [
          `${row.at.toISOString()}  ${user ?? row.pseudonym ?? ''}  turn ${row.turnId ?? '–'}  ${row.direction}: ${row.action}${row.consequence === null ? '' : `, led to a ${row.consequence}`}`,
          ...table(
            Object.entries(row.scores)
              .sort(([, one], [, other]) => other - one)
              .map(([category, score]) => [
                category,
                score.toFixed(4),
                row.categories.includes(category) ? 'flagged' : '',
              ]),
          ),
        ]);
        return 0;
      }),
    );

  moderation
    .command('appeals')
    .description('appeals against what is in force')
    .action(
      run(async ({ db, ring }, output) => {
        const vault = createVault({ db, ring });
        const rows = await db
          .select({ row: suspensions, accounts: accounts('suspensions.user_id') })
          .from(suspensions)
          .where(
            and(
              isNotNull(suspensions.appealedAt),
              isNull(suspensions.liftedAt),
              sql`(${suspensions.until} is null or ${suspensions.until} > now())`,
            ),
          )
          .orderBy(suspensions.appealedAt);
        const appeals = await Promise.all(
          rows.map(async ({ row, accounts: user }) => ({
            id: row.id,
            user,
            kind: row.kind,
            until: row.until,
            reason: row.reason,
            appealedAt: row.appealedAt,
            words:
              row.appeal === null || row.appealOwnerId === null
                ? null
                : await vault
                    .open(row.appealOwnerId, { purpose: 'appeal', row: String(row.id) }, row.appeal)
                    .catch((error: unknown) => {
                      if (error instanceof VaultError) return null;
                      throw error;
                    }),
          })),
        );
        output.result(
          { appeals },
          appeals.length === 0
            ? ['None.']
            : appeals.flatMap(({ id, user, kind, reason, appealedAt, words }) => [
                `${kind} ${id} of ${user ?? 'a forgotten user'} (${reason}), appealed ${appealedAt?.toISOString() ?? ''}:`,
                `  ${oneLine(words ?? '(does not open any more)')}`,
              ]),
        );
        return 0;
      }),
    );
}

/** Somebody's words in the operator's terminal: no control characters. */
function oneLine(words: string): string {
  return words.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
}

function parseNumber(text: string): string {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It is a number of the list.');
  return text;
}
