/** Consent to others' words in groups as context on one's own key; reached by a button only. */

import type { Database } from '../db/client.ts';
import { eq } from '../db/drizzle.ts';
import { users } from '../db/schema.ts';
import { isRingIncomplete } from '../keys/afresh.ts';
import type { Vault } from '../keys/vault.ts';
import type { Mailbox } from '../queue/mailbox.ts';
import type { Wakeups } from '../queue/wakeups.ts';
import { generalText } from '../text/general.ts';
import { sealedText } from '../text/sealed.ts';
import { createAskAgain } from './ask-again.ts';
import { type Command, rowId } from './command.ts';

export function createConsent({
  db,
  vault,
  mailbox,
  wakeups,
}: {
  readonly db: Database;
  readonly vault: Vault;
  readonly mailbox: Mailbox;
  readonly wakeups: Wakeups;
}): Command {
  const askAgain = createAskAgain({ db, vault, mailbox, wakeups });

  return {
    name: 'consent',
    description: '',
    where: 'direct',
    /** From the deep link in the group: asks. */
    async run(context) {
      context.answer({
        ...generalText.consent(),
        buttons: [[{ label: 'I agree', action: `consent:${rowId(context.argument)}` }]],
      });
    },
    async press(context) {
      await db
        .update(users)
        .set({ groupConsentAt: new Date() })
        .where(eq(users.id, context.userId));
      try {
        const asked = await askAgain(context.userId, rowId(context.argument), {
          outcome: 'consent-needed',
        });
        context.replace(asked ? generalText.consented() : generalText.consentedOnly());
      } catch (error) {
        if (!isRingIncomplete(error)) throw error;
        context.replace(sealedText.lost());
      }
    },
  };
}
