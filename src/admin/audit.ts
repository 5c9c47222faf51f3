/** `audit verify | export | show USER`. */

import { type Command, InvalidArgumentError } from 'commander';
import type { Database } from '../db/client.ts';
import { asc, eq, gt } from '../db/drizzle.ts';
import { audit as auditRows } from '../db/schema.ts';
import {
  type AuditFault,
  type AuditHead,
  type AuditRow,
  verifyAudit,
} from '../keys/audit-chain.ts';
import { ownersOf } from '../keys/linked-keys.ts';
import { auditHeadFile, keepAuditHead, readAuditHead } from './audit-head-file.ts';
import { findUser, parseAccount, unknownUser } from './find-user.ts';
import { table } from './output.ts';
import type { Run } from './run.ts';

const SHOWN = 1_000;
const BATCH = 1_000;

export function addAuditCommands(program: Command, run: Run): void {
  const audit = program
    .command('audit')
    .description('what was done with users’ keys and the key ring, and decided by operators');

  audit
    .command('verify')
    .description('check that no row was changed, removed, moved or made up')
    .option('--head <head>', 'number:MAC that an earlier check or export printed', parseHead)
    .addHelpText(
      'after',
      '\nA trail that was put back as a whole to an earlier state, by somebody who holds the database,\nshows only against a head that was kept elsewhere: each check keeps the newest beside the key\nring, and --head takes one that you wrote down.',
    )
    .action(
      run(async ({ config, db, ring }, output, _signal, options: { head?: AuditHead }) => {
        const file = auditHeadFile(config);
        const kept = await readAuditHead(file);
        const known = [kept, options.head].filter((head) => head !== undefined);
        const report = await verifyAudit({ db, ring }, known, (done, total) =>
          output.progress({ done, total, unit: 'rows' }),
        );
        const isWhole = report.faults.length === 0;
        const isKept = isWhole && (await keepAuditHead(file, report.head));
        output.result({ ok: isWhole, ...report }, [
          isWhole
            ? `The trail is whole: ${report.rows} rows.`
            : `The trail is NOT whole (${report.rows} rows):`,
          ...report.faults.map((fault) => `- ${sayFault(fault)}`),
          `Its head: ${report.head.seq}:${report.head.mac}`,
          ...(isWhole && !isKept ? [`The head could not be kept in ${file}.`] : []),
        ]);
        return isWhole ? 0 : 1;
      }),
    );

  audit
    .command('export')
    .description('write the whole trail to standard output, one row of JSON a line, oldest first')
    .action(
      run(async ({ db, audit: trail }, output) => {
        await trail.record({ action: 'audit.exported', actor: 'operator' });
        for (let after = 0; ; ) {
          const rows = await db
            .select()
            .from(auditRows)
            .where(gt(auditRows.seq, after))
            .orderBy(asc(auditRows.seq))
            .limit(BATCH);
          for (const row of rows) output.result(row, [JSON.stringify(row)]);
          after = rows.at(-1)?.seq ?? after;
          if (rows.length < BATCH) return 0;
        }
      }),
    );

  audit
    .command('show')
    .argument('<user>', 'platform:ID, such as telegram:123456, or a pseudonym of the trail')
    .description('what was done with one user’s keys, newest first')
    .action(
      run(async ({ db, audit: trail }, output, _signal, _options, user: string) => {
        const rows = /^[\w-]{43}$/.test(user)
          ? await ofPseudonym(db, user)
          : await trail.of(await ownersOf(db, await findOwner(db, user)), SHOWN);
        const subjects = new Set(rows.map(({ subject }) => subject ?? ''));
        output.result(
          { user, rows: rows.map(plainRow) },
          rows.length === 0
            ? ['Nothing was done with a key of this user.']
            : [
                `Known in the trail as ${[...subjects].join(', ')}.`,
                ...table([
                  ['NUMBER', 'TIME', 'ACTION', 'BY', 'PROVIDER', 'DETAIL'],
                  ...rows.map((row) => [
                    String(row.seq),
                    row.at.toISOString(),
                    row.action,
                    row.actor,
                    row.provider ?? '',
                    JSON.stringify(row.detail),
                  ]),
                ]),
              ],
        );
        return 0;
      }),
    );
}

function plainRow({ mac: _mac, ...row }: AuditRow) {
  return row;
}

async function ofPseudonym(db: Database, subject: string): Promise<readonly AuditRow[]> {
  const rows = await db
    .select()
    .from(auditRows)
    .where(eq(auditRows.subject, subject))
    .orderBy(asc(auditRows.seq))
    .limit(SHOWN);
  return rows.reverse();
}

async function findOwner(db: Database, user: string): Promise<number> {
  const userId = await findUser(db, parseAccount(user, ', or a pseudonym of the trail'));
  if (userId === undefined) throw unknownUser(user);
  return userId;
}

function parseHead(text: string): AuditHead {
  const [, seq, mac] = /^(\d{1,15}):([\w-]{43})$/.exec(text) ?? [];
  if (seq === undefined || mac === undefined) {
    throw new InvalidArgumentError('It is a number, a colon and 43 characters.');
  }
  return { seq: Number(seq), mac };
}

function sayFault(fault: AuditFault): string {
  switch (fault.fault) {
    case 'changed':
      return `row ${fault.seq} is not what was written, or not in its place`;
    case 'removed':
      return fault.from === fault.to
        ? `row ${fault.from} was removed`
        : `rows ${fault.from} to ${fault.to} were removed`;
    case 'head-changed':
      return 'what says where the trail ends was changed or removed';
  }
}
