/** Tells the owner of a pool, or a member, something in their direct chats. */

import type { PlatformName } from '../chat/message.ts';
import type { Notice, PlatformSender } from '../chat/platform.ts';
import type { Database } from '../db/client.ts';
import { eq } from '../db/drizzle.ts';
import { identities } from '../db/schema.ts';
import { type Log, serializeError } from '../log.ts';

/** On each platform that they are known on and that runs here. Never throws. */
export type TellPerson = (userId: number, notice: Notice) => void;

export function createTellPerson({
  db,
  sender,
  log,
}: {
  readonly db: Database;
  readonly sender: (platform: PlatformName) => PlatformSender | undefined;
  readonly log: Log;
}): TellPerson {
  async function tell(userId: number, notice: Notice): Promise<void> {
    const known = await db
      .select({ platform: identities.platform, platformUserId: identities.platformUserId })
      .from(identities)
      .where(eq(identities.userId, userId));
    await Promise.all(
      known.map(async ({ platform, platformUserId }) => {
        const to = sender(platform as PlatformName);
        await to
          ?.notify({ chat: to.directChat({ platformUserId }) }, notice)
          .catch((error: unknown) => log.info({ error: serializeError(error) }, 'a notice'));
      }),
    );
  }
  return (userId, notice) => {
    tell(userId, notice).catch((error: unknown) =>
      log.warn({ error: serializeError(error) }, 'somebody could not be told of a pool'),
    );
  };
}
