/** Changes of KEY_RING_FILE: the file holds the old ring or the new one, whatever happens in between. */

import { randomBytes, randomUUID } from 'node:crypto';
import { type FileHandle, open, readFile, realpath, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { type Kek, KeyRingError, type KeyRingKeeper } from './key-ring.ts';
import { parseRingFile, readRingFile, syncFolder } from './key-ring-file.ts';

/** What a full or failing disk is simulated at. */
export type WriteStep = 'open' | 'write' | 'sync' | 'rename';

const editable = z.object({ active: z.string(), keys: z.record(z.string(), z.string()) }).loose();
type Editable = z.infer<typeof editable>;

/** @param onWrite runs before each step of a write; for tests, which let it throw */
export function createFileKeeper({
  file,
  onWrite = () => undefined,
}: {
  readonly file: string;
  readonly onWrite?: (step: WriteStep) => void;
}): KeyRingKeeper {
  async function read(): Promise<Editable> {
    const text = await readRingFile(file);
    if (text === undefined) {
      throw new KeyRingError(
        `The key ring ${file} is missing: put the copy of it back, or set KEY_RING_FILE to where it is.`,
      );
    }
    parseRingFile(text, file);
    return editable.parse(JSON.parse(text));
  }

  async function replace(ring: Editable): Promise<void> {
    const text = `${JSON.stringify(ring, null, 2)}\n`;
    parseRingFile(text, file);
    try {
      // A link to the ring stays one: what it leads to is replaced.
      await write(await realpath(file), text, onWrite);
    } catch (error) {
      throw new KeyRingError(explain(error, file));
    }
  }

  async function edit<T>(change: (ring: Editable) => readonly [Editable, T]): Promise<T> {
    const [ring, result] = change(await read());
    await replace(ring);
    return result;
  }

  const withNew = (ring: Editable): readonly [Editable, string] => {
    const kid = freshKid(Object.keys(ring.keys));
    const keys = { ...ring.keys, [kid]: randomBytes(32).toString('base64url') };
    return [{ ...ring, keys }, kid];
  };

  const mustHold = (ring: Editable, kid: string) => {
    if (Object.hasOwn(ring.keys, kid)) return;
    throw new KeyRingError(`The key ring ${file} holds no key ${kid}.`);
  };

  return {
    async keks() {
      const ring = await read();
      return Object.keys(ring.keys).map((kid): Kek => ({ kid, active: kid === ring.active }));
    },

    add: () => edit(withNew),

    promote: (named) =>
      edit((old) => {
        if (named !== undefined) mustHold(old, named);
        const [ring, kid] = named === undefined ? withNew(old) : [old, named];
        return [{ ...ring, active: kid }, kid];
      }),

    rewrapOwn: async () => undefined,

    async retire(kid) {
      await edit((ring) => {
        mustHold(ring, kid);
        if (ring.active === kid) {
          throw new KeyRingError(`The key ${kid} is the active one: rotate the key ring first.`);
        }
        const { [kid]: _retired, ...keys } = ring.keys;
        return [{ ...ring, keys }, undefined];
      });
    },

    retiredWith: async (kid) => [kid],
  };
}

/**
 * The new file appears under the name whole or not at all, lasts through a power cut, and belongs
 * to whom the old one belonged: root may be at work in the shell, and somebody else runs the bot.
 */
async function write(file: string, text: string, onWrite: (step: WriteStep) => void) {
  const folder = dirname(file);
  const draft = join(folder, `.key-ring-${randomUUID()}`);
  try {
    onWrite('open');
    {
      await using handle = await open(draft, 'wx', 0o600);
      onWrite('write');
      await handle.writeFile(text);
      await keepOwner(file, handle);
      onWrite('sync');
      await handle.sync();
    }
    if ((await readFile(draft, 'utf8')) !== text)
      throw new Error('the draft is not what was written');
    onWrite('rename');
    await rename(draft, file);
  } catch (error) {
    await unlink(draft).catch(() => undefined);
    throw error;
  }
  await syncFolder(folder);
}

async function keepOwner(file: string, draft: FileHandle): Promise<void> {
  if (process.platform === 'win32') return;
  await using old = await open(file, 'r');
  const [{ uid, gid }, mine] = await Promise.all([old.stat(), draft.stat()]);
  if (mine.uid !== uid || mine.gid !== gid) await draft.chown(uid, gid);
}

function freshKid(taken: readonly string[]): string {
  for (;;) {
    const kid = `k-${randomBytes(6).toString('hex')}`;
    if (!taken.includes(kid)) return kid;
  }
}

function explain(error: unknown, file: string): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return `The disk is full: the key ring ${file} was not changed. Make room, then run this again.`;
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `The key ring ${file} was not changed, because this user may not write to its folder (${code}): run this as the user that Latchkey runs as.`;
    case 'EBUSY':
      return `The key ring ${file} was not changed, because it is mounted by itself (EBUSY): mount its folder instead.`;
    default:
      return `The key ring ${file} was not changed (${typeof code === 'string' ? code : 'an unknown fault'}): run this again.`;
  }
}
