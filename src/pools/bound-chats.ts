/** Ends what a pool pays in a group once its owner is there no more. */

import type { ChatRights } from '../chat/chat-rights.ts';
import { wholeOf } from '../chat/chat-rules.ts';
import type { ChatAddress, PlatformName } from '../chat/message.ts';
import type { PlatformSender } from '../chat/platform.ts';
import type { Database } from '../db/client.ts';
import { and, eq } from '../db/drizzle.ts';
import { identities } from '../db/schema.ts';
import { type Log, serializeError } from '../log.ts';
import { poolFundingText } from '../text/pool-funding.ts';
import type { Pool, Pools } from './pools.ts';
import type { TellPerson } from './tell.ts';

/** How often the platform is asked whether an owner is in a group, in milliseconds. */
const EVERY_MS = 60_000;
/** The most groups of which it is remembered when that was. */
const MOST = 10_000;

/** Looks whether a pool's owner is in the chat that it pays for. No turn waits for that; never throws. */
export type LookForOwner = (chat: ChatAddress, pool: Pool) => void;

export function createLookForOwner({
  db,
  pools,
  rights,
  sender,
  tell,
  log,
  now = () => performance.now(),
}: {
  readonly db: Database;
  readonly pools: Pick<Pools, 'unbind'>;
  readonly rights: (platform: PlatformName) => Pick<ChatRights, 'isThere'> | undefined;
  readonly sender: (platform: PlatformName) => PlatformSender | undefined;
  readonly tell: TellPerson;
  readonly log: Log;
  readonly now?: () => number;
}): LookForOwner {
  const looked = new Map<string, number>();

  async function isAway(chat: ChatAddress, ownerId: number): Promise<boolean> {
    const port = rights(chat.platform);
    if (port === undefined) return false;
    const accounts = await db
      .select({ id: identities.platformUserId })
      .from(identities)
      .where(and(eq(identities.userId, ownerId), eq(identities.platform, chat.platform)));
    for (const { id } of accounts) if (await port.isThere(chat, id)) return false;
    return true;
  }

  async function look(chat: ChatAddress, pool: Pool, ownerId: number): Promise<void> {
    if (!(await isAway(chat, ownerId))) return;
    // Whoever unbinds it tells of it.
    if (!(await pools.unbind(wholeOf(chat), [pool.id]))) return;
    tell(ownerId, poolFundingText.youLeftGroup(pool.name));
    await sender(chat.platform)?.notify({ chat }, poolFundingText.ownerLeftGroup(pool.name));
  }

  return (chat, pool) => {
    const { platform, wholeId } = wholeOf(chat);
    const key = `${platform}:${wholeId} ${pool.id}`;
    const at = now();
    const before = looked.get(key);
    if (pool.ownerId === undefined || (before !== undefined && at - before < EVERY_MS)) return;
    looked.delete(key);
    looked.set(key, at);
    for (const oldest of looked.keys()) {
      if (looked.size <= MOST) break;
      looked.delete(oldest);
    }
    look(chat, pool, pool.ownerId).catch((error: unknown) =>
      log.info({ error: serializeError(error) }, 'whether a pool’s owner is in its group'),
    );
  };
}
