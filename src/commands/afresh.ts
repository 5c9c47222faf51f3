/** The button that goes on without what the ring can't open; see `keys/afresh.ts`. */

import { beginAfresh } from '../keys/afresh.ts';
import type { Audit } from '../keys/audit.ts';
import type { Vault } from '../keys/vault.ts';
import { sealedText } from '../text/sealed.ts';
import type { Command } from './command.ts';

export function createAfresh(parts: { readonly vault: Vault; readonly audit: Audit }): Command {
  return {
    name: 'afresh',
    // In no menu: a button leads here.
    description: '',
    where: 'direct',
    async run(context) {
      context.answer(sealedText.lost());
    },
    async press(context) {
      await beginAfresh(parts, context.userId);
      context.replace(sealedText.begun());
    },
  };
}
