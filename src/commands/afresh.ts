/** The button that goes on without what the ring can't open; see `keys/afresh.ts`. */

import type { Database } from '../db/client.ts';
import { beginAfresh } from '../keys/afresh.ts';
import type { Audit } from '../keys/audit.ts';
import { ownersOf } from '../keys/linked-keys.ts';
import type { Vault } from '../keys/vault.ts';
import { sealedText } from '../text/sealed.ts';
import type { Command } from './command.ts';

export function createAfresh({
  db,
  ...parts
}: {
  readonly db: Database;
  readonly vault: Vault;
  readonly audit: Audit;
}): Command {
  return {
    name: 'afresh',
    // In no menu: a button leads here.
    description: '',
    where: 'direct',
    async run(context) {
      context.answer(sealedText.lost());
    },
    async press(context) {
      if (context.argument !== 'go') {
        context.answer(sealedText.lost());
        return;
      }
      // Linked identities have data keys of their own, and each may be under the lost KEK.
      for (const ownerId of await ownersOf(db, context.userId)) await beginAfresh(parts, ownerId);
      context.replace(sealedText.begun());
    },
  };
}
