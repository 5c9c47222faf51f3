import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../../start-error.ts';

/** What the operator can do about it, from what PostgreSQL (or initdb) said before it ended. */
export function explainFailure(output: string, directory: string): StartError {
  if (/No space left on device|Disk quota exceeded/.test(output)) {
    return new StartError(`The disk is full: PostgreSQL needs more room for ${directory}.`);
  }
  if (output.includes('database files are incompatible')) {
    const made = readFileSync(join(directory, 'PG_VERSION'), 'utf8').trim();
    return new StartError(
      `The database in ${directory} was made by PostgreSQL ${made}, which this Latchkey does not bring along: dump it with the Latchkey that made it, or run that one.`,
    );
  }
  if (/Permission denied|Operation not permitted/.test(output)) {
    return new StartError(`PostgreSQL may not read and write ${directory}: check its owner.`);
  }
  const reason = output
    .split('\n')
    .map((line) => /(?:FATAL|PANIC|error):\s+(.*)/.exec(line)?.[1])
    .find((text) => text !== undefined);
  return new StartError(
    `PostgreSQL did not start on ${directory}: ${reason ?? (output.trim().split('\n').at(-1) || 'it said nothing')}`,
  );
}
