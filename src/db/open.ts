import type { Config } from '../config.ts';
import type { Secret } from '../secret.ts';
import { StartError } from '../start-error.ts';
import { refuseUnfinishedRestore } from './backup/unfinished.ts';
import { connectDatabase, type DatabaseConnection } from './client.ts';
import { DataDirHeldError } from './embedded/lock.ts';
import { runningEmbeddedPostgres } from './embedded/running.ts';
import { EMBEDDED_DATABASE, hasEmbeddedPostgres, startEmbeddedPostgres } from './embedded.ts';
import { migrateDatabase } from './migrate.ts';

export interface OpenOptions {
  readonly database: Config['database'];
  readonly onStep: (sentence: string) => void;
  /** The embedded server ended although nobody stopped it. */
  readonly onLost: (error: StartError) => void;
  /** Hears how to stop what was started. */
  readonly onClose: (close: () => Promise<void>) => void;
  /** Joins the embedded server that another Latchkey runs, if one does; and makes no database. */
  readonly alongside?: boolean;
}

/** The configured database, or the embedded one, with its tables up to date. @throws StartError */
export async function openDatabase(
  options: OpenOptions & {
    readonly maxConnections: number;
    /** By which the server tells connections apart; default `latchkey`: a bot or worker. */
    readonly applicationName?: string;
    /** False leaves the tables as they are. */
    readonly migrate?: boolean;
  },
): Promise<{ readonly url: Secret; readonly connection: DatabaseConnection }> {
  const { maxConnections, applicationName, migrate = true, onStep, onClose } = options;
  const url = await openServer(options);
  const connection = await connectDatabase({
    url,
    maxConnections,
    ...(applicationName === undefined ? {} : { applicationName }),
  });
  onClose(() => connection.close());
  if (migrate) {
    await migrateDatabase({ url, onStep });
    await refuseUnfinishedRestore(connection.db);
  }
  return { url, connection };
}

/** The address of the configured server; the embedded one is started where it does not run. @throws StartError */
export async function openServer({
  database,
  onStep,
  onLost,
  onClose,
  alongside = false,
}: OpenOptions): Promise<Secret> {
  if (database.kind === 'url') return database.url;
  const { dataDir } = database;
  if (alongside && !hasEmbeddedPostgres(dataDir)) {
    throw new StartError(
      `There is no database in ${dataDir}: run this where Latchkey runs, or set DATA_DIR or DATABASE_URL as it has it.`,
    );
  }
  const embedded = await startEmbeddedPostgres({
    dataDir,
    onStep,
    onLost: (sentence) => onLost(new StartError(sentence)),
  }).catch((error: unknown) => {
    if (alongside && error instanceof DataDirHeldError) return undefined;
    throw error;
  });
  if (embedded === undefined) return runningEmbeddedPostgres(dataDir, EMBEDDED_DATABASE);
  onClose(() => embedded.stop());
  return embedded.url;
}
