/**
 * Tombstones say who was forgotten, so that a backup from before does not bring them back. They are
 * kept as HMACs in the database and, since a restored database knows nothing of them, in a file
 * beside the key ring. Each process writes what its file still lacks.
 */

import { open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Database, Queryable } from '../db/client.ts';
import { tombstones } from '../db/schema.ts';
import { parseJson } from '../parse-json.ts';
import type { KeyRing } from './key-ring.ts';

export interface Tombstone {
  /** HMAC of the user's number in this installation. */
  readonly user: string;
  /** HMACs of the accounts that the user had. */
  readonly identities: readonly string[];
  readonly at: Date;
}

const lineSchema = z.object({
  user: z.string(),
  identities: z.array(z.string()),
  at: z.iso.datetime({ offset: true }),
});

/** The tombstones beside a key ring. */
export function tombstoneFileOf(keyRingFile: string): string {
  return join(dirname(keyRingFile), 'tombstones.jsonl');
}

export function userPseudonym(ring: Pick<KeyRing, 'pseudonym'>, userId: number): string {
  return ring.pseudonym(`user:${userId}`);
}

export function identityPseudonym(
  ring: Pick<KeyRing, 'pseudonym'>,
  identity: { readonly platform: string; readonly platformUserId: string },
): string {
  return ring.pseudonym(`identity:${identity.platform}:${identity.platformUserId}`);
}

export async function insertTombstones(on: Queryable, stones: readonly Tombstone[]): Promise<void> {
  if (stones.length === 0) return;
  await on
    .insert(tombstones)
    .values(
      stones.map(({ user, identities, at }) => ({
        userPseudonym: user,
        identityPseudonyms: identities,
        forgottenAt: at,
      })),
    )
    .onConflictDoNothing();
}

/**
 * Reads what stands in the file; a line that a power cut left unfinished is passed over.
 * @returns none where there is no file
 */
export async function readTombstones(file: string): Promise<readonly Tombstone[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
  return text.split('\n').flatMap((line) => {
    const parsed = lineSchema.safeParse(parseJson(line));
    return parsed.success ? [{ ...parsed.data, at: new Date(parsed.data.at) }] : [];
  });
}

/**
 * Appends what the database knows and the file does not, and waits until it is on the disk.
 * Two processes at once may both append a line, which does no harm.
 * @returns how many were appended
 */
export async function writeTombstones(db: Database, file: string): Promise<number> {
  const known = await db.select().from(tombstones).orderBy(tombstones.forgottenAt);
  if (known.length === 0) return 0;
  const written = new Set((await readTombstones(file)).map((stone) => stone.user));
  const missing = known.filter((row) => !written.has(row.userPseudonym));
  if (missing.length === 0) return 0;
  const lines = missing.map(
    (row) =>
      `${JSON.stringify({
        user: row.userPseudonym,
        identities: row.identityPseudonyms,
        at: row.forgottenAt.toISOString(),
      })}\n`,
  );
  await using handle = await open(file, 'a', 0o600);
  // Begun on a line of its own, should the last one be unfinished.
  const { size } = await handle.stat();
  await handle.appendFile(`${size > 0 ? '\n' : ''}${lines.join('')}`);
  await handle.chmod(0o600);
  await handle.sync();
  return missing.length;
}
