import { open } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { type NoticeFile, PlatformError } from '../../chat/platform.ts';

/** Of one name in one folder. */
const MOST_FILES = 1_000;

/**
 * Puts a file into the folder, for this user of the machine alone; never over another.
 * @returns its path
 * @throws PlatformError
 */
export async function saveFile(directory: string, file: NoticeFile): Promise<string> {
  const extension = extname(file.name);
  const stem = basename(file.name, extension);
  for (let number = 1; number <= MOST_FILES; number += 1) {
    const path = join(directory, `${stem}${number === 1 ? '' : `-${number}`}${extension}`);
    try {
      await using handle = await open(path, 'wx', 0o600);
      await handle.writeFile(file.bytes);
      return path;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code !== 'EEXIST') break;
    }
  }
  throw new PlatformError('refused', 'A file could not be written into the working directory');
}
