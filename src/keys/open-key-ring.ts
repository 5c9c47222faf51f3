import type { Database } from '../db/client.ts';
import { eq } from '../db/drizzle.ts';
import { dataKeys, installation } from '../db/schema.ts';
import { type KeyRing, KeyRingError } from './key-ring.ts';
import { loadKeyRing } from './local-key-ring.ts';

/** The ring of this installation; made at the first start. @throws KeyRingError */
export async function openKeyRing({
  db,
  file,
  mayCreate,
  onStep,
}: {
  readonly db: Database;
  readonly file: string;
  readonly mayCreate: boolean;
  readonly onStep: (sentence: string) => void;
}): Promise<KeyRing> {
  const sealed = await db.select({ userId: dataKeys.userId }).from(dataKeys).limit(1);
  const { ring, created } = await loadKeyRing({
    file,
    mayCreate,
    hasSealedRows: sealed.length > 0,
  });
  await holdToRing(db, ring, file);
  if (created) {
    onStep(`Made the key ring ${file}: keep a copy of it, apart from the database's backups.`);
  }
  return ring;
}

/**
 * The first ring of an installation stays its ring: two processes that start on an empty database,
 * each with a folder of its own, must not seal under two.
 */
async function holdToRing(db: Database, ring: KeyRing, file: string): Promise<void> {
  const value = ring.pseudonym('installation');
  await db.insert(installation).values({ name: 'key-ring', value }).onConflictDoNothing();
  const [held] = await db.select().from(installation).where(eq(installation.name, 'key-ring'));
  if (held?.value === value) return;
  throw new KeyRingError(
    `The key ring ${file} is not the one that this database was begun with. Put a copy of that one there, or set KEY_RING_FILE to where it is.`,
  );
}
