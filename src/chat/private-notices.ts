/**
 * What concerns one person of a group. Where the platform can't show it to them alone at once, one
 * neutral line stands for it with a button "Details", and the notice is held, sealed, for its press.
 */

import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Database } from '../db/client.ts';
import { and, eq, gt, sql } from '../db/drizzle.ts';
import { heldNotices } from '../db/schema.ts';
import { isRingIncomplete } from '../keys/afresh.ts';
import { type Vault, VaultError } from '../keys/vault.ts';
import { generalText } from '../text/general.ts';
import type { PlatformName } from './message.ts';
import type { Button, Notice, NoticeTarget, PlatformSender } from './platform.ts';

/** How long a notice waits for the press. */
const HELD_FOR = sql`interval '1 day'`;
/** Deleted at once, in rows. */
const BATCH = 5_000;

/** The command that shows a held notice, by button and by deep link. */
export const DETAILS = 'details';

export interface PrivateNotices {
  /**
   * Sends a notice; where the target has `onlyFor`, nobody else reads it.
   * @param userId whom `onlyFor` names
   * @throws PlatformError
   */
  send(target: NoticeTarget, notice: Notice, userId: number): Promise<string | undefined>;
  /** Keeps a notice for its user. @returns the button that leads to it */
  hold(platform: PlatformName, userId: number, notice: Notice): Promise<Button>;
  /** @returns undefined: there is none (any more) */
  read(id: string): Promise<{ readonly userId: number; readonly notice: Notice } | undefined>;
  /** Deletes what is a day old. */
  removeExpired(): Promise<void>;
}

const label = z.string();
const notice = z.object({
  markdown: z.string(),
  buttons: z
    .array(
      z.array(
        z.union([
          z.object({ label, action: z.string() }),
          z.object({ label, url: z.string() }),
          z.object({ label, directChat: z.string() }),
        ]),
      ),
    )
    .exactOptional(),
});

const binding = (id: string) => ({ purpose: 'held-notice' as const, row: id });
const isFresh = gt(heldNotices.createdAt, sql`now() - ${HELD_FOR}`);

interface Storage {
  readonly db: Database;
  readonly vault: Vault;
}

/** What is held for a user, oldest first; what does not open is left out. */
export async function readHeldNotices(
  { db, vault }: Storage,
  userId: number,
): Promise<readonly { readonly since: Date; readonly markdown: string }[]> {
  const rows = await db
    .select()
    .from(heldNotices)
    .where(and(eq(heldNotices.userId, userId), isFresh))
    .orderBy(heldNotices.createdAt);
  const held: { since: Date; markdown: string }[] = [];
  for (const row of rows) {
    const opened = await open(vault, row);
    if (opened !== undefined) held.push({ since: row.createdAt, markdown: opened.markdown });
  }
  return held;
}

async function open(
  vault: Vault,
  row: typeof heldNotices.$inferSelect,
): Promise<Notice | undefined> {
  try {
    return notice.parse(JSON.parse(await vault.open(row.userId, binding(row.id), row.notice)));
  } catch (error) {
    if (error instanceof VaultError) return undefined;
    throw error;
  }
}

export function createPrivateNotices({
  db,
  vault,
  sender,
}: {
  readonly sender: (platform: PlatformName) => PlatformSender;
} & Storage): PrivateNotices {
  async function hold(platform: PlatformName, userId: number, held: Notice): Promise<Button> {
    const id = randomUUID();
    const sealed = await vault
      .seal(userId, binding(id), JSON.stringify(held))
      .catch((error: unknown) => {
        if (isRingIncomplete(error)) return undefined;
        throw error;
      });
    // Nothing can be kept for them now: the button leads to why.
    if (sealed === undefined) return { label: generalText.details.label, directChat: 'afresh' };
    await db.insert(heldNotices).values({ id, userId, notice: sealed });
    const { label } = generalText.details;
    return sender(platform).traits.showsPrivately === 'on-request'
      ? { label, action: `${DETAILS}:${id}` }
      : { label, directChat: `${DETAILS}-${id}` };
  }

  return {
    hold,

    async send(target, notice, userId) {
      const { chat, onlyFor } = target;
      const platform = sender(chat.platform);
      if (chat.kind === 'direct' || onlyFor === undefined) return platform.notify(target, notice);
      // What is no secret needs no button.
      const isSecret = onlyFor.publicMarkdown !== notice.markdown;
      if (platform.traits.showsPrivately === 'at-once') {
        if (!isSecret) return platform.notify(target, notice);
        const publicButtons = [[await hold(chat.platform, userId, notice)]];
        return platform.notify({ ...target, onlyFor: { ...onlyFor, publicButtons } }, notice);
      }
      if (target.press !== undefined || target.replyHandle !== undefined) {
        return platform.notify(target, notice);
      }
      const { onlyFor: _, ...everybody } = target;
      if (!isSecret) return platform.notify(everybody, notice);
      const button = await hold(chat.platform, userId, notice);
      return platform.notify(everybody, { ...generalText.forYouAlone(), buttons: [[button]] });
    },

    async read(id) {
      const [row] = await db
        .select()
        .from(heldNotices)
        .where(and(eq(heldNotices.id, id), isFresh));
      if (row === undefined) return undefined;
      const opened = await open(vault, row);
      return opened === undefined ? undefined : { userId: row.userId, notice: opened };
    },

    async removeExpired() {
      await db.execute(sql`
        delete from held_notices where id in (
          select id from held_notices where created_at <= now() - ${HELD_FOR} limit ${BATCH})`);
    },
  };
}
