import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../../config.ts';
import { type Finding, ok, warning, wrong } from './finding.ts';

const GB = 1e9;
const LITTLE_BYTES = 2 * GB;
const NO_BYTES = 0.2 * GB;

/** The folder of the data: room, and the right to write there. */
export async function checkDisk({ dataDir }: Config): Promise<Finding[]> {
  const what = 'disk';
  const folder = await nearest(dataDir);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const says = `${(free / GB).toFixed(1)} GB are free where DATA_DIR is.`;
  const mend = 'Make room, or set DATA_DIR to a larger disk.';
  const found = [
    free < NO_BYTES
      ? wrong(what, says, mend)
      : free < LITTLE_BYTES
        ? warning(what, says, mend)
        : ok(what, says),
  ];
  if (!(await may(folder, constants.W_OK))) {
    found.push(
      wrong(
        what,
        `This account may not write to ${folder}.`,
        `Give the folder to the user that Latchkey runs as: chown -R USER ${folder}`,
      ),
    );
  }
  return found;
}

/** The file of the ring, where the KEKs are in one. */
export async function checkKeyRingFile({ keyRing, keyRingFile }: Config): Promise<Finding[]> {
  const folder = await nearest(dirname(keyRingFile));
  const found: Finding[] = [];
  if (!(await may(folder, constants.W_OK))) {
    found.push(
      wrong(
        'key ring folder',
        `This account may not write to ${folder}, where the list of forgotten users and the head of the audit trail are kept.`,
        `chown USER ${folder}, with the user that Latchkey runs as.`,
      ),
    );
  }
  if (keyRing.kind !== 'file') return found;
  const what = 'key ring file';
  const file = await stat(keyRing.file).catch(() => undefined);
  if (file === undefined) {
    found.push(
      warning(
        what,
        `There is no ${keyRing.file}.`,
        'The first start on an empty database makes it; else put back the copy of it.',
      ),
    );
    return found;
  }
  const mode = file.mode & 0o777;
  const uid = process.getuid?.();
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    found.push(
      wrong(
        what,
        `Other users of this machine can read ${keyRing.file} (mode ${mode.toString(8)}).`,
        `chmod 600 ${keyRing.file}`,
      ),
    );
  } else if (uid !== undefined && uid !== 0 && file.uid !== uid) {
    found.push(
      wrong(
        what,
        `${keyRing.file} belongs to another user (${file.uid}) than this one (${uid}).`,
        `chown ${uid} ${keyRing.file}, and run Latchkey as that user.`,
      ),
    );
  } else if (!(await may(keyRing.file, constants.R_OK))) {
    found.push(wrong(what, `${keyRing.file} can't be read.`, `chmod 600 ${keyRing.file}`));
  } else {
    found.push(ok(what, 'Its owner alone can read it.'));
  }
  return found;
}

/** The folder itself, or the one in which it will be made. */
async function nearest(folder: string): Promise<string> {
  for (let path = folder; ; path = dirname(path)) {
    if ((await may(path, constants.F_OK)) || path === dirname(path)) return path;
  }
}

async function may(path: string, what: number): Promise<boolean> {
  return access(path, what).then(
    () => true,
    () => false,
  );
}
