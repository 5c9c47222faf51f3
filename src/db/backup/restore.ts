import type { Sql } from 'postgres';
import type { Secret } from '../../secret.ts';
import { StartError } from '../../start-error.ts';
import { openStreaming } from '../connection.ts';
import { knownMigrations, migrateDatabase } from '../migrate.ts';
import { quoted } from './format.ts';
import { checkBackup, loadBackup } from './read.ts';
import { RESTORE_MARK } from './unfinished.ts';

const NAME = 'latchkey-restore';

export interface RestoredBackup {
  /** When the backup was made. */
  readonly madeAt: Date;
  readonly rows: number;
}

/**
 * Makes the tables as the backup has them, fills them, and brings them up to this code. All rows
 * come in one transaction, with a mark that keeps Latchkey from starting until
 * `clearRestoreMark`: broken off anywhere, it may be run again.
 *
 * @throws BackupError where the file is not whole
 * @throws StartError where the database has users already, somebody works with it, or the backup is
 * of a newer Latchkey
 */
export async function restoreBackup({
  url,
  file,
  onStep,
  onProgress,
}: {
  readonly url: Secret;
  readonly file: string;
  readonly onStep: (sentence: string) => void;
  readonly onProgress: (done: number, total: number) => void;
}): Promise<RestoredBackup> {
  onStep('Checking the backup…');
  const { header, rows } = await checkBackup(file);
  const migrations = header.migrations.map(({ hash }) => hash);
  const known = new Set(knownMigrations());
  if (!migrations.every((hash) => known.has(hash))) {
    throw new StartError('The backup was made by a newer Latchkey: update this one first.');
  }
  const client = await openStreaming({ url, applicationName: NAME });
  try {
    await refuseCompany(client);
    await refuseUsers(client);
    await dropTables(client);
    await migrateDatabase({ url, onStep, only: migrations });
    onStep('Putting the rows back…');
    await client.begin(async (tx) => {
      await loadBackup(tx, file, (done) => onProgress(done, rows));
      await tx`insert into installation (name, value) values (${RESTORE_MARK}, 'true')
               on conflict do nothing`;
    });
    await client`analyze`;
  } finally {
    await client.end({ timeout: 5 });
  }
  await migrateDatabase({ url, onStep });
  return { madeAt: new Date(header.at), rows };
}

async function refuseCompany(client: Sql): Promise<void> {
  const [row] = await client<{ others: number }[]>`
    select count(*)::int as others from pg_stat_activity
    where datname = current_database() and application_name like 'latchkey%'
      and application_name <> ${NAME}`;
  if (row !== undefined && row.others > 0) {
    throw new StartError('A Latchkey works with this database: stop every bot and worker first.');
  }
}

async function refuseUsers(client: Sql): Promise<void> {
  const [there] = await client<{ there: boolean }[]>`
    select to_regclass('public.users') is not null as there`;
  if (there?.there !== true) return;
  const [row] = await client<{ users: boolean; broken: boolean }[]>`
    select exists (select from users) as users,
           exists (select from installation where name = ${RESTORE_MARK}) as broken`;
  if (row?.users === true && !row.broken) {
    throw new StartError(
      'This database has users already: a backup is put back into an empty one, which DATABASE_URL (or DATA_DIR) has to name.',
    );
  }
}

/** Of an installation without users, or of a restore that was broken off. */
async function dropTables(client: Sql): Promise<void> {
  await client.begin(async (tx) => {
    const tables = await tx<{ name: string }[]>`
      select relname as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind = 'r'`;
    for (const { name } of tables) await tx.unsafe(`drop table ${quoted(name)} cascade`);
    // What extensions brought stays.
    const routines = await tx<{ name: string }[]>`
      select p.oid::regprocedure::text as name from pg_proc p
      where p.pronamespace = 'public'::regnamespace
        and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')`;
    for (const { name } of routines) await tx.unsafe(`drop routine ${name} cascade`);
    await tx`drop schema if exists drizzle cascade`;
  });
}
