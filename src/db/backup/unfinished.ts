/** The mark of a restore whose last steps were not done yet. */

import { StartError } from '../../start-error.ts';
import type { Database } from '../client.ts';
import { dropFact, readFact } from '../installation.ts';

/** A row of `installation`. */
export const RESTORE_MARK = 'restore-unfinished';

/** @throws StartError: until then, somebody who was forgotten could be back */
export async function refuseUnfinishedRestore(db: Database): Promise<void> {
  if ((await readFact(db, RESTORE_MARK)) === undefined) return;
  throw new StartError(
    'A restore into this database was broken off: run npm run admin -- restore again, with the same file.',
  );
}

export async function clearRestoreMark(db: Database): Promise<void> {
  await dropFact(db, RESTORE_MARK);
}
