/** Tells people that a key of theirs was forgotten, as they wished: from then on another one pays. */

import type { PlatformName } from '../chat/message.ts';
import type { PlatformSender } from '../chat/platform.ts';
import type { Database } from '../db/client.ts';
import { eq } from '../db/drizzle.ts';
import { identities } from '../db/schema.ts';
import { providerEntry } from '../llm/catalogue.ts';
import { type Log, serializeError } from '../log.ts';
import { keyListText } from '../text/key-list.ts';
import type { ForgottenKey } from './key-life.ts';

/** On each platform that a person is known on and that runs here. Never throws for one that fails. */
export async function tellForgottenKeys(
  parts: {
    readonly db: Database;
    readonly sender: (platform: PlatformName) => PlatformSender | undefined;
    readonly log: Log;
    /** From now on, in a sentence. */
    readonly whoPays: (userId: number) => Promise<string>;
  },
  keys: readonly ForgottenKey[],
): Promise<void> {
  for (const { userId, provider, hint } of keys) {
    const known = await parts.db
      .select({ platform: identities.platform, platformUserId: identities.platformUserId })
      .from(identities)
      .where(eq(identities.userId, userId));
    const notice = keyListText.forgotten(
      providerEntry(provider).name,
      hint,
      await parts.whoPays(userId),
    );
    for (const { platform, platformUserId } of known) {
      const sender = parts.sender(platform as PlatformName);
      await sender
        ?.notify({ chat: sender.directChat({ platformUserId }) }, notice)
        .catch((error: unknown) => parts.log.warn({ error: serializeError(error) }, 'a notice'));
    }
  }
}
