import type { Config } from '../../config.ts';
import { type DatabaseFacts, inspectDatabase } from '../../db/check.ts';
import { ADMIN_CONNECTIONS } from '../../db/connection.ts';
import { openDatabase } from '../../db/open.ts';
import { openKeyRing } from '../../keys/open-key-ring.ts';
import { serializeError } from '../../log.ts';
import { StartError } from '../../start-error.ts';
import { type Finding, ok, warning, wrong } from './finding.ts';

/** The oldest that gets bug fixes, and the one that the tests run on. */
const OLDEST = 14;
const TESTED = 18;
const NEARLY_ALL = 0.8;

export interface DatabaseVisit {
  readonly findings: readonly Finding[];
  /** See {@link DatabaseFacts.aheadMs}. */
  readonly aheadMs: number | undefined;
}

/** Looks at the database, and with it at whether the key ring fits it. Changes no table. */
export async function visitDatabase(config: Config): Promise<DatabaseVisit> {
  const closers: (() => Promise<void>)[] = [];
  try {
    const { connection } = await openDatabase({
      database: config.database,
      maxConnections: 2,
      applicationName: ADMIN_CONNECTIONS,
      onStep: () => undefined,
      onLost: () => undefined,
      onClose: (close) => void closers.push(close),
      alongside: true,
      migrate: false,
    });
    const facts = await inspectDatabase(connection.db);
    const ring = facts.migrations === 'none' ? [] : await visitRing(config, connection.db);
    return { findings: [...sayFacts(config, facts), ...ring], aheadMs: facts.aheadMs };
  } catch (error) {
    return { findings: [sayFailure(config, error)], aheadMs: undefined };
  } finally {
    for (const close of closers.reverse()) await close().catch(() => undefined);
  }
}

function sayFailure({ database }: Config, error: unknown): Finding {
  if (!(error instanceof StartError)) {
    return wrong(
      'database',
      `PostgreSQL failed: ${serializeError(error).message}`,
      'Look at the log of PostgreSQL.',
    );
  }
  if (database.kind === 'embedded' && /^There is no database in/.test(error.message)) {
    return warning('database', error.message, 'The first npm start makes it.');
  }
  return wrong(
    'database',
    error.message,
    database.kind === 'url'
      ? 'Check that PostgreSQL runs and lets this machine in (pg_hba.conf), and DATABASE_URL.'
      : 'Read what stands above, and look into DATA_DIR.',
  );
}

export function sayFacts(
  config: Pick<Config, 'database'>,
  facts: DatabaseFacts,
): readonly Finding[] {
  const { version, connections, migrations } = facts;
  const size = `${(facts.bytes / 1e6).toFixed(0)} MB`;
  const found: Finding[] = [
    version < OLDEST
      ? wrong(
          'database',
          `PostgreSQL ${version} is too old.`,
          `Take PostgreSQL ${TESTED}; ${OLDEST} is the oldest that can work.`,
        )
      : version < TESTED
        ? warning(
            'database',
            `PostgreSQL ${version} answers (${size}).`,
            `Latchkey is tested with PostgreSQL ${TESTED}: plan an upgrade.`,
          )
        : ok('database', `PostgreSQL ${version} answers (${size}).`),
    sayMigrations(migrations),
  ];
  if (!facts.mayCreate) {
    found.push(
      wrong(
        'database rights',
        'This user may make no tables, which an update needs.',
        'grant create on database NAME to USER; grant create on schema public to USER;',
      ),
    );
  }
  if (connections.used > NEARLY_ALL * connections.most) {
    found.push(
      warning(
        'database connections',
        `${connections.used} of ${connections.most} connections are in use.`,
        'Raise max_connections, or put a pooler in front: see docs/operating.md.',
      ),
    );
  }
  if (config.database.kind === 'url')
    found.push(...sayEncryption(config.database.url.reveal(), facts));
  return found;
}

function sayMigrations(migrations: DatabaseFacts['migrations']): Finding {
  const what = 'database tables';
  switch (migrations) {
    case 'current':
      return ok(what, 'They are those of this version.');
    case 'newer':
      return warning(
        what,
        'A newer Latchkey has been at work: this one goes on, but does not start again.',
        'Update this installation.',
      );
    case 'missing':
      return warning(what, 'They are those of an older version.', 'The next start updates them.');
    case 'none':
      return warning(what, 'There are none yet.', 'The first start makes them.');
  }
}

function sayEncryption(url: string, { encrypted }: DatabaseFacts): readonly Finding[] {
  const what = 'database encryption';
  if (encrypted) return [ok(what, 'The connection is encrypted.')];
  // A name without a dot is one of a private network, such as Compose's.
  const { hostname } = new URL(url);
  const isNear = hostname === '' || !hostname.includes('.') || /^127\.|^\[::1\]$/.test(hostname);
  if (isNear) return [];
  return [
    warning(
      what,
      'The connection is not encrypted.',
      'Add ?sslmode=verify-full to DATABASE_URL, where the way to the database is not your own.',
    ),
  ];
}

async function visitRing(
  config: Config,
  db: Parameters<typeof openKeyRing>[0]['db'],
): Promise<readonly Finding[]> {
  const problems: string[] = [];
  const closers: (() => Promise<void>)[] = [];
  try {
    await openKeyRing({
      db,
      config: config.keyRing,
      mayCreate: false,
      onStep: () => undefined,
      onProblem: (error) => void problems.push(serializeError(error).message),
      onClose: (close) => void closers.push(close),
    });
  } catch (error) {
    problems.push(serializeError(error).message);
  } finally {
    for (const close of closers) await close();
  }
  const what = 'key ring';
  if (problems.length === 0) {
    const where = config.keyRing.kind === 'vault' ? 'The ring in Vault' : 'The ring';
    return [ok(what, `${where} opens what the database holds.`)];
  }
  return problems.map((says) => wrong(what, says, 'SECURITY.md tells how keys are kept.'));
}
