/** The button "History" of /keys: what was done with a user's keys here, from the audit trail. */

import type { Database } from '../db/client.ts';
import type { Audit } from '../keys/audit.ts';
import { ownersOf } from '../keys/linked-keys.ts';
import { isProviderId, providerEntry } from '../llm/catalogue.ts';
import { keyHistoryText } from '../text/key-history.ts';
import type { Command } from './command.ts';

/** How many rows fit well into one message. */
const SHOWN = 20;

export function createKeyHistory({
  db,
  audit,
}: {
  readonly db: Database;
  readonly audit: Pick<Audit, 'of'>;
}): Command {
  return {
    name: 'keyhistory',
    // In no menu: a button leads here.
    description: '',
    where: 'direct',
    async run({ userId, answer }) {
      const rows = await audit.of(await ownersOf(db, userId), SHOWN + 1);
      answer(
        keyHistoryText.list(
          rows.slice(0, SHOWN).map(({ action, at, provider }) => ({
            action,
            at,
            provider:
              provider !== null && isProviderId(provider) ? providerEntry(provider).name : provider,
          })),
          rows.length > SHOWN,
        ),
      );
    },
  };
}
