import type { Config } from '../config.ts';
import type { Secret } from '../secret.ts';
import { StartError } from '../start-error.ts';
import { connectDatabase, type DatabaseConnection } from './client.ts';
import { startEmbeddedPostgres } from './embedded.ts';
import { migrateDatabase } from './migrate.ts';

/** The configured database, or the embedded one, with its tables up to date. @throws StartError */
export async function openDatabase({
  database,
  maxConnections,
  onStep,
  onLost,
  onClose,
}: {
  readonly database: Config['database'];
  readonly maxConnections: number;
  readonly onStep: (sentence: string) => void;
  /** The embedded server ended although nobody stopped it. */
  readonly onLost: (error: StartError) => void;
  /** Hears how to stop what was started. */
  readonly onClose: (close: () => Promise<void>) => void;
}): Promise<{ readonly url: Secret; readonly connection: DatabaseConnection }> {
  const url = await addressOf();
  const connection = await connectDatabase({ url, maxConnections });
  onClose(() => connection.close());
  await migrateDatabase({ url, onStep });
  return { url, connection };

  async function addressOf(): Promise<Secret> {
    if (database.kind === 'url') return database.url;
    const embedded = await startEmbeddedPostgres({
      dataDir: database.dataDir,
      onStep,
      onLost: (sentence) => onLost(new StartError(sentence)),
    });
    onClose(() => embedded.stop());
    return embedded.url;
  }
}
