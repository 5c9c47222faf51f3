import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { StartError } from '../../start-error.ts';

/** Whom PostgreSQL runs as; undefined: as Latchkey itself. */
export type Account = { readonly uid: number; readonly gid: number } | undefined;

/** PostgreSQL refuses to run as root: the usual accounts that have no rights to lose. */
const CANDIDATES = ['postgres', 'nobody', 'daemon'];

/**
 * Chooses the account for the database in `directory`: its owner, if it exists already.
 *
 * @throws StartError when the directory is somebody else's, or root has no other account to use.
 */
export function chooseAccount(directory: string): Account {
  const self = process.geteuid?.();
  if (self === undefined) return undefined;
  const owner = statSync(directory, { throwIfNoEntry: false });
  if (self !== 0) {
    if (owner === undefined || owner.uid === self) return undefined;
    throw new StartError(
      `The database in ${directory} belongs to another user (uid ${owner.uid}): run Latchkey as that user or as root, or set another DATA_DIR.`,
    );
  }
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  for (const name of CANDIDATES) {
    const uid = lookUp('-u', name);
    const gid = lookUp('-g', name);
    if (uid !== undefined && gid !== undefined && uid !== 0) return { uid, gid };
  }
  throw new StartError(
    `PostgreSQL refuses to run as root, and this machine has none of the users ${CANDIDATES.join(', ')}: run Latchkey as an ordinary user, or set DATABASE_URL.`,
  );
}

function lookUp(flag: '-u' | '-g', name: string): number | undefined {
  try {
    const id = Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }));
    return Number.isInteger(id) ? id : undefined;
  } catch {
    return undefined;
  }
}
