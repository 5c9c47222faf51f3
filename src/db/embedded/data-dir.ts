import { access, constants } from 'node:fs/promises';
import { makeFolder, tryToWrite } from '../../folders.ts';
import { StartError } from '../../start-error.ts';
import { systemCodeOf } from '../../system-code.ts';

/** @throws StartError */
export async function makeDataDir(dataDir: string): Promise<void> {
  try {
    await makeFolder(dataDir);
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw explainSystemError(error, dataDir);
  }
}

/** Tells before anything is made whether there is room for it. @throws StartError */
export async function checkDataDir(dataDir: string): Promise<void> {
  try {
    await tryToWrite(dataDir);
  } catch (error) {
    throw explainSystemError(error, dataDir);
  }
}

/** A sentence for what the system refused; other errors as they are. */
export function explainSystemError(error: unknown, dataDir: string): unknown {
  const code = systemCodeOf(error);
  switch (code) {
    case undefined:
      return error;
    case 'EACCES':
    case 'EPERM':
      return new StartError(`DATA_DIR ${dataDir} may not be written by this user.`);
    case 'EROFS':
      return new StartError(`DATA_DIR ${dataDir} is on a read-only file system.`);
    case 'ENOSPC':
    case 'EDQUOT':
      return new StartError(`The disk is full: there is no room for DATA_DIR ${dataDir}.`);
    case 'ENOTDIR':
    case 'EEXIST':
      return new StartError(`DATA_DIR ${dataDir} is not a directory.`);
    case 'ENAMETOOLONG':
      return new StartError(`DATA_DIR ${dataDir} is longer than a path may be.`);
    default:
      return new StartError(`DATA_DIR ${dataDir} can't be used (${code}): take another place.`);
  }
}
