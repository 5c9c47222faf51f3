/** /forget: asks, and then forgets a user for good. */

import { randomBytes } from 'node:crypto';
import type { PlatformName } from '../chat/message.ts';
import { type Database, DatabaseError, type Transaction } from '../db/client.ts';
import { and, eq, gt, sql } from '../db/drizzle.ts';
import { forgetPrompts } from '../db/schema.ts';
import type { Audit } from '../keys/audit.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import {
  identityPseudonym,
  insertTombstones,
  userPseudonym,
  writeTombstones,
} from '../keys/tombstones.ts';
import { type DirectChat, drawPseudonym, type Erased, eraseUsers, linkedUsers } from './erasure.ts';
import { dropOldLimits, keepLimits } from './kept-limits.ts';
import { DELETABLE_MS, type MessageDeletions } from './message-deletions.ts';

/** How long the question waits for its button, in milliseconds. */
export const FORGET_PROMPT_MS = 5 * 60_000;
/** PostgreSQL ends one of two transactions that wait for each other; the other has then gone on. */
const DEADLOCK = '40P01';
const MOST_TRIES = 3;

/** What the confirmation names. */
export interface Belongings {
  readonly keys: readonly { readonly provider: string; readonly hint: string }[];
  /** Turns whose words are still kept. */
  readonly turns: number;
  /** Of them those that wait or run. */
  readonly open: number;
  readonly accounts: readonly PlatformName[];
}

export interface ForgottenUser {
  /** Messages of the bot that can be deleted on the platform, and whose deletion is planned. */
  readonly deletions: readonly number[];
  /** Messages in the direct chat that are too old to be deleted. */
  readonly tooOld: number;
}

/** Where the button was pressed. */
export interface Where {
  readonly directChat: DirectChat;
  /** The message with the button, which stays. */
  readonly messageId: string | undefined;
}

export interface Forgetting {
  /** Opens the question: the token, with which it is confirmed, is void after five minutes. */
  ask(userId: number): Promise<{ readonly token: string; readonly belongings: Belongings }>;
  cancel(userId: number): Promise<void>;
  /**
   * Forgets, where the token is the one of this user's open question. One transaction.
   * @returns undefined where it is not, also for all but one of several calls at once
   */
  confirm(userId: number, token: string, where: Where): Promise<ForgottenUser | undefined>;
  /** Takes up what crashes left: deletions on the platforms, tombstones that the file lacks. */
  resume(signal?: AbortSignal): Promise<void>;
}

export function createForgetting({
  db,
  ring,
  audit,
  deletions,
  tombstoneFile,
  onError,
  now = () => new Date(),
}: {
  readonly db: Database;
  readonly ring: Pick<KeyRing, 'pseudonym'>;
  readonly audit: Pick<Audit, 'append'>;
  readonly deletions: MessageDeletions;
  readonly tombstoneFile: string;
  /** Hears why the tombstone file could not be written; it is tried again by {@link Forgetting.resume}. */
  readonly onError: (error: unknown) => void;
  readonly now?: () => Date;
}): Forgetting {
  async function keepWhatStays(
    tx: Transaction,
    userIds: readonly number[],
    erased: Erased,
  ): Promise<void> {
    const pseudonyms = erased.identities.map((identity) => identityPseudonym(ring, identity));
    await insertTombstones(
      tx,
      userIds.map((id) => ({
        user: userPseudonym(ring, id),
        identities: pseudonyms,
        at: erased.at,
      })),
    );
    await keepLimits(tx, ring, erased);
  }

  function forget(userId: number, token: string, { directChat, messageId }: Where) {
    return db.transaction(async (tx) => {
      const confirmed = await tx
        .delete(forgetPrompts)
        .where(
          and(
            eq(forgetPrompts.userId, userId),
            eq(forgetPrompts.token, token),
            gt(forgetPrompts.expiresAt, now()),
          ),
        )
        .returning({ userId: forgetPrompts.userId });
      if (confirmed.length === 0) return undefined;
      const userIds = await linkedUsers(tx, userId);
      const erased = await eraseUsers(tx, {
        userIds,
        directChat,
        deletableMs: DELETABLE_MS,
        usagePseudonym: drawPseudonym(),
      });
      if (erased === undefined) return undefined;
      await keepWhatStays(tx, userIds, erased);
      const planned = await deletions.plan(tx, erased.sent, messageId);
      await audit.append(
        tx,
        ...userIds.map((id) => ({
          action: 'user.forgotten' as const,
          actor: 'user' as const,
          userId: id,
        })),
      );
      return {
        deletions: planned,
        tooOld: erased.sent.reduce((sum, { older }) => sum + older, 0),
      };
    });
  }

  const write = () => writeTombstones(db, tombstoneFile).catch(onError);

  return {
    async ask(userId) {
      const token = randomBytes(16).toString('base64url');
      const expiresAt = new Date(now().getTime() + FORGET_PROMPT_MS);
      await db
        .insert(forgetPrompts)
        .values({ userId, token, expiresAt })
        .onConflictDoUpdate({ target: forgetPrompts.userId, set: { token, expiresAt } });
      return { token, belongings: await belongingsOf(db, userId) };
    },

    async cancel(userId) {
      await db.delete(forgetPrompts).where(eq(forgetPrompts.userId, userId));
    },

    async confirm(userId, token, where) {
      for (let tries = 1; ; tries += 1) {
        try {
          const forgotten = await forget(userId, token, where);
          if (forgotten !== undefined) await write();
          return forgotten;
        } catch (error) {
          const deadlocked = error instanceof DatabaseError && error.code === DEADLOCK;
          if (!deadlocked || tries >= MOST_TRIES) throw error;
        }
      }
    },

    async resume(signal) {
      await write();
      await deletions.carryOut({ ...(signal === undefined ? {} : { signal }) });
      await db.execute(sql`
        delete from forget_prompts where expires_at <= ${now().toISOString()}::timestamptz`);
      await dropOldLimits(db, now());
      await db.execute(sql`
        delete from sent_notices where at < now() - ${DELETABLE_MS}::bigint * interval '1 ms'`);
    },
  };
}

async function belongingsOf(db: Database, userId: number): Promise<Belongings> {
  const [row] = await db.execute<{
    keys: { provider: string; hint: string }[] | null;
    turns: number;
    open: number;
    accounts: PlatformName[] | null;
  }>(sql`
    with theirs as (
      select ${userId}::bigint as id
      union select own_user_id from identities where user_id = ${userId} and own_user_id is not null
    )
    select (select json_agg(json_build_object('provider', provider, 'hint', hint) order by id)
            from api_keys where user_id in (select id from theirs)) as keys,
           (select count(*) from turns where coalesce(owner_id, user_id) in (select id from theirs)
            and octet_length(input) > 0)::int as turns,
           (select count(*) from turns
            where user_id = ${userId} and status in ('queued', 'running'))::int as open,
           (select json_agg(platform order by platform)
            from identities where user_id = ${userId}) as accounts`);
  return {
    keys: row?.keys ?? [],
    turns: row?.turns ?? 0,
    open: row?.open ?? 0,
    accounts: row?.accounts ?? [],
  };
}
