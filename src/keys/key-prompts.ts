/** Guided /setkey: for ten minutes, a person's next message in private is a key. */

import type { PlatformName } from '../chat/message.ts';
import type { Database } from '../db/client.ts';
import { and, eq, type SQL, sql } from '../db/drizzle.ts';
import { keyPrompts, type pastedKeys } from '../db/schema.ts';
import { isProviderId, type RemoteProviderId } from '../llm/catalogue.ts';

/** How long a prompt, and a pasted key, waits for its user. */
export const WAIT_MS = 10 * 60_000;

/** A person on a platform. */
export interface Identity {
  readonly platform: PlatformName;
  readonly platformUserId: string;
}

export interface KeyPrompt {
  /** Null until the user has named one. */
  readonly provider: RemoteProviderId | null;
}

/** By how much the clocks of two processes may differ, in milliseconds. */
export const SKEW_MS = 60_000;

export interface KeyPrompts {
  /** Replaces the one that is open, and begins its ten minutes anew. */
  openPrompt(identity: Identity, provider: RemoteProviderId | null): Promise<void>;
  activePrompt(identity: Identity): Promise<KeyPrompt | undefined>;
  closePrompt(identity: Identity): Promise<void>;
}

export function createKeyPrompts({
  db,
  now,
}: {
  readonly db: Database;
  readonly now: () => Date;
}): KeyPrompts {
  return {
    async openPrompt({ platform, platformUserId }, provider) {
      const expiresAt = new Date(now().getTime() + WAIT_MS);
      await db
        .insert(keyPrompts)
        .values({ platform, platformUserId, provider, expiresAt })
        .onConflictDoUpdate({
          target: [keyPrompts.platform, keyPrompts.platformUserId],
          set: { provider, expiresAt },
        });
    },

    async activePrompt(identity) {
      const [row] = await db
        .select({ provider: keyPrompts.provider })
        .from(keyPrompts)
        .where(and(promptOf(identity), isWaiting(keyPrompts.expiresAt, now())));
      if (row === undefined) return undefined;
      const { provider } = row;
      return { provider: provider !== null && isProviderId(provider) ? provider : null };
    },

    async closePrompt(identity) {
      await db.delete(keyPrompts).where(promptOf(identity));
    },
  };
}

/**
 * Until `expiresAt`. What was begun before the clock was put back, so that it would last for longer
 * than {@link WAIT_MS}, is over; but for {@link SKEW_MS}.
 */
export function isWaiting(
  expiresAt: typeof keyPrompts.expiresAt | typeof pastedKeys.expiresAt,
  at: Date | SQL,
) {
  const moment = at instanceof Date ? sql`${at.toISOString()}` : at;
  return sql`(${expiresAt} > ${moment}::timestamptz
    and ${expiresAt} <= ${moment}::timestamptz + ${sql.raw(`${WAIT_MS + SKEW_MS}`)} * interval '1 ms')`;
}

function promptOf({ platform, platformUserId }: Identity) {
  return and(eq(keyPrompts.platform, platform), eq(keyPrompts.platformUserId, platformUserId));
}
