/** Consent to others' words in groups as context on one's own key; reached by a button only. */

import { eq } from '../db/drizzle.ts';
import { users } from '../db/schema.ts';
import { generalText } from '../text/general.ts';
import { sealedText } from '../text/sealed.ts';
import { type AskAgainParts, createAskAgain } from './ask-again.ts';
import { type Command, rowId } from './command.ts';

export function createConsent(parts: AskAgainParts): Command {
  const askAgain = createAskAgain(parts);

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
      await parts.db
        .update(users)
        .set({ groupConsentAt: new Date() })
        .where(eq(users.id, context.userId));
      const decision = { outcome: 'consent-needed' as const };
      const notice = {
        asked: generalText.consented,
        nothing: generalText.consentedOnly,
        sealed: sealedText.lost,
      }[await askAgain(context.userId, rowId(context.argument), decision)];
      context.replace(notice());
    },
  };
}
