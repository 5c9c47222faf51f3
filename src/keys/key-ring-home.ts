/** Where an installation's key ring is at home: no process may go on with the one that was left. */

import { z } from 'zod';
import type { Queryable } from '../db/client.ts';
import { dropFact, keepFact, readFact } from '../db/installation.ts';
import { KeyRingError } from './key-ring.ts';

export type Home = 'file' | 'vault';

const NAME = 'key-ring-home';
const schema = z.object({ home: z.enum(['file', 'vault']), moving: z.boolean() });

/** @returns undefined where the ring was never moved: it is where it was made */
export async function readHome(db: Queryable): Promise<z.infer<typeof schema> | undefined> {
  const value = await readFact(db, NAME);
  return value === undefined ? undefined : schema.parse(value);
}

/** @param moving data keys of both rings may stand in the database */
export async function writeHome(db: Queryable, home: Home, moving: boolean): Promise<void> {
  await keepFact(db, NAME, { home, moving });
}

export async function forgetHome(db: Queryable): Promise<void> {
  await dropFact(db, NAME);
}

/** @throws KeyRingError where the ring was moved elsewhere, or is being moved */
export async function mustBeHome(db: Queryable, here: Home): Promise<void> {
  const found = await readHome(db);
  if (found?.moving) {
    throw new KeyRingError(
      `The key ring is being moved: finish that first, with npm run admin -- key-ring ${found.home === 'vault' ? 'move-to-vault' : 'move-to-file FILE'}.`,
    );
  }
  if (found === undefined || found.home === here) return;
  throw new KeyRingError(
    here === 'file'
      ? 'The key ring of this database was moved to Vault: set VAULT_ADDR, VAULT_TOKEN and VAULT_TRANSIT_KEY, and take KEY_RING_FILE away.'
      : 'The key ring of this database was moved to a file: set KEY_RING_FILE to it, and take VAULT_TRANSIT_KEY away.',
  );
}
