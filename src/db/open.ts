import type { Config } from '../config.ts';
import type { Secret } from '../keys/secret.ts';
import { StartError } from '../start-error.ts';
import { startEmbeddedPostgres } from './embedded.ts';
import { migrateDatabase } from './migrate.ts';

/** The configured database, or the embedded one, with its tables up to date. @throws StartError */
export async function openDatabase({
  database,
  onStep,
  onLost,
  onClose,
}: {
  readonly database: Config['database'];
  readonly onStep: (sentence: string) => void;
  /** The embedded server ended although nobody stopped it. */
  readonly onLost: (error: StartError) => void;
  /** Hears how to stop what was started. */
  readonly onClose: (close: () => Promise<void>) => void;
}): Promise<Secret> {
  let url: Secret;
  if (database.kind === 'url') {
    ({ url } = database);
  } else {
    const embedded = await startEmbeddedPostgres({
      dataDir: database.dataDir,
      onStep,
      onLost: (sentence) => onLost(new StartError(sentence)),
    });
    onClose(() => embedded.stop());
    ({ url } = embedded);
  }
  await migrateDatabase({ url, onStep });
  return url;
}
