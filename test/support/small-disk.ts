/** A file system of its own that is really full when it is filled: no error is made up. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { open, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  readonly folder: string;
  /** Takes every byte that is left. @param leaving so many kilobytes, a multiple of 4 */
  fill(leaving?: number): Promise<void>;
  /** Gives back what {@link fill} took. */
  makeRoom(): Promise<void>;
  /** Unmounts it, with all that is on it. */
  close(): void;
}

/** @returns undefined where this user may not mount (Linux and root are needed), and says so loudly */
export function mountSmallDisk(kilobytes: number): SmallDisk | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-disk-'));
  const size = `size=${kilobytes}k,mode=0755`;
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', folder]);
  if (status !== 0) {
    rmdirSync(folder);
    process.stderr.write(
      '\n!!! No file system can be mounted here (root on Linux can): tests on a full disk are SKIPPED.\n\n',
    );
    return undefined;
  }
  const filler = join(folder, 'filler');
  return {
    folder,
    async fill(leaving = 0) {
      await using handle = await open(filler, 'a');
      for (let bytes = 4_096; bytes >= 1; ) {
        const done = await handle.write(Buffer.alloc(bytes)).catch(isFull);
        // The last block may take less than a whole one.
        if (done === undefined) bytes = Math.floor(bytes / 2);
      }
      const { size } = await handle.stat();
      if (leaving > 0) await handle.truncate(size - leaving * 1_024);
      const { bavail, bsize } = await statfs(folder);
      if (bavail * bsize !== leaving * 1_024) throw new Error(`${bavail} blocks are free`);
    },
    makeRoom: () => rm(filler, { force: true }),
    close() {
      // Lazily: a server may still hold a file on it for a moment.
      spawnSync('umount', ['-l', folder]);
      rmdirSync(folder);
    },
  };
}

function isFull(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return undefined;
  throw error;
}
