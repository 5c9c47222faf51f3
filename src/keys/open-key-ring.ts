import type { KeyRingConfig } from '../config.ts';
import type { Database } from '../db/client.ts';
import { keepFirstFact } from '../db/installation.ts';
import { dataKeys } from '../db/schema.ts';
import { countUse } from './kek-use.ts';
import {
  installationName,
  type KeyRing,
  KeyRingError,
  type KeyRingKeeper,
  RING_FACT,
} from './key-ring.ts';
import { createFileKeeper } from './key-ring-edit.ts';
import { checkRingFile } from './key-ring-file.ts';
import { mustBeHome } from './key-ring-home.ts';
import { loadKeyRing } from './local-key-ring.ts';
import { createReloadingKeyRing } from './reloading-key-ring.ts';
import { checkTransitKey, openTransitKeyRing } from './transit-key-ring.ts';

export interface OpenKeyRingOptions {
  readonly db: Database;
  readonly config: KeyRingConfig;
  readonly mayCreate: boolean;
  readonly onStep: (sentence: string) => void;
  /** Hears, while it is in use, what the operator has to mend. */
  readonly onProblem: (error: unknown) => void;
  readonly onClose: (close: () => Promise<void>) => void;
}

export interface OpenedKeyRing {
  readonly ring: KeyRing;
  /** For the operator's shell. */
  readonly keeper: KeyRingKeeper;
}

/** What is wrong with the ring, as far as it shows without the database. @throws KeyRingError */
export async function checkKeyRing(
  config: KeyRingConfig,
  { mayCreate }: Pick<OpenKeyRingOptions, 'mayCreate'>,
): Promise<void> {
  if (config.kind === 'file') await checkRingFile(config.file, mayCreate);
  else await checkTransitKey(config);
}

/** The ring of this installation; made at the first start. @throws KeyRingError */
export async function openKeyRing(options: OpenKeyRingOptions): Promise<OpenedKeyRing> {
  const { db, config, mayCreate } = options;
  await mustBeHome(db, config.kind);
  const sealed = await db.select({ userId: dataKeys.userId }).from(dataKeys).limit(1);
  const hasSealedRows = sealed.length > 0;
  const opened =
    config.kind === 'file'
      ? await openFile(options, config.file, hasSealedRows)
      : await openTransitKeyRing({ db, config, mayCreate, hasSealedRows });
  const name = config.kind === 'file' ? `The key ring ${config.file}` : 'The key ring in Vault';
  await holdToRing(db, opened.ring, name);
  await warnOfLost(options, opened.keeper);
  return opened;
}

async function openFile(
  { mayCreate, onStep, onProblem, onClose }: OpenKeyRingOptions,
  file: string,
  hasSealedRows: boolean,
): Promise<OpenedKeyRing> {
  const { ring, created } = await loadKeyRing({ file, mayCreate, hasSealedRows });
  if (created) {
    onStep(`Made the key ring ${file}: keep a copy of it, apart from the database's backups.`);
  }
  const reloading = createReloadingKeyRing({
    file,
    ring,
    load: async () => (await loadKeyRing({ file, mayCreate: false, hasSealedRows: true })).ring,
    onProblem,
  });
  onClose(async () => reloading.close());
  return { ring: reloading, keeper: createFileKeeper({ file }) };
}

/**
 * The first ring of an installation stays its ring: two processes that start on an empty database,
 * each with a folder of its own, must not seal under two.
 */
async function holdToRing(db: Database, ring: KeyRing, name: string): Promise<void> {
  const value = installationName(ring);
  if ((await keepFirstFact(db, RING_FACT, value)) === value) return;
  throw new KeyRingError(
    `${name} is not the one that this database was begun with. Put a copy of that one there, or set KEY_RING_FILE to where it is.`,
  );
}

/** What the ring can't open keeps nobody else from being served. */
async function warnOfLost(
  { db, onProblem }: OpenKeyRingOptions,
  keeper: KeyRingKeeper,
): Promise<void> {
  const held = new Set((await keeper.keks()).map(({ kid }) => kid));
  for (const { kid, rows } of await countUse(db)) {
    if (rows === 0 || held.has(kid)) continue;
    onProblem(
      new KeyRingError(
        `The key ring has lost the key ${kid}, under which ${rows} user${rows === 1 ? ' has' : 's have'} stored keys and words: put it back from a copy of the ring. Until then they are asked for their keys again; nothing of theirs is deleted.`,
      ),
    );
  }
}
