/** Keys that were pasted without /setkey: kept sealed for ten minutes, until their user decides. */

import type { Database } from '../db/client.ts';
import { and, eq } from '../db/drizzle.ts';
import { pastedKeys } from '../db/schema.ts';
import { isProviderId, type RemoteProviderId } from '../llm/catalogue.ts';
import { Secret } from '../secret.ts';
import { sealGiven } from './afresh.ts';
import type { Audit } from './audit.ts';
import { SKEW_MS, WAIT_MS } from './key-prompts.ts';
import { lockForUser } from './user-lock.ts';
import { type SealBinding, type Vault, VaultError } from './vault.ts';

export interface PastedKeys {
  /** One a user: it replaces the one before, whose id is then void. */
  keepPasted(
    userId: number,
    provider: RemoteProviderId,
    key: Secret,
  ): Promise<{ readonly id: number; readonly hint: string; readonly expiresAt: Date }>;
  /** Takes it out, to use it or to drop it: once, by its owner, in time. */
  takePasted(
    userId: number,
    id: number,
    why?: 'use' | 'drop',
  ): Promise<{ readonly provider: RemoteProviderId; readonly key: Secret } | undefined>;
}

export function createPastedKeys({
  db,
  vault,
  audit,
  now,
}: {
  readonly db: Database;
  readonly vault: Vault;
  readonly audit: Audit;
  readonly now: () => Date;
}): PastedKeys {
  return {
    async keepPasted(userId, provider, key) {
      const text = key.reveal();
      const hint = text.slice(-4);
      const expiresAt = new Date(now().getTime() + WAIT_MS);
      const sealed = await sealGiven(
        { vault, audit },
        userId,
        bindingOf(provider, expiresAt),
        text,
      );
      const [row] = await db.transaction(async (tx) => {
        await lockForUser(tx, 'pasted-keys', userId);
        // Not updated: the button below the older paste must not take this key.
        await tx.delete(pastedKeys).where(eq(pastedKeys.userId, userId));
        const kept = await tx
          .insert(pastedKeys)
          .values({ userId, provider, sealed, hint, expiresAt })
          .returning({ id: pastedKeys.id });
        await audit.append(tx, { action: 'paste.kept', actor: 'user', userId, provider });
        return kept;
      });
      if (row === undefined) throw new TypeError('an insert returned no row');
      return { id: row.id, hint, expiresAt };
    },

    async takePasted(userId, id, why = 'use') {
      if (!Number.isSafeInteger(id)) return undefined;
      const row = await db.transaction(async (tx) => {
        const [taken] = await tx
          .delete(pastedKeys)
          .where(and(eq(pastedKeys.id, id), eq(pastedKeys.userId, userId)))
          .returning();
        if (taken === undefined) return undefined;
        const leftMs = taken.expiresAt.getTime() - now().getTime();
        // More than there ever was: the clock was put back since then.
        const isLate = leftMs <= 0 || leftMs > WAIT_MS + SKEW_MS;
        await audit.append(tx, {
          action: isLate ? 'paste.expired' : why === 'use' ? 'paste.taken' : 'paste.dropped',
          actor: isLate ? 'system' : 'user',
          userId,
          provider: taken.provider,
        });
        return isLate ? undefined : taken;
      });
      if (row === undefined || !isProviderId(row.provider)) return undefined;
      try {
        const text = await vault.open(userId, bindingOf(row.provider, row.expiresAt), row.sealed);
        return { provider: row.provider, key: new Secret(text) };
      } catch (error) {
        if (error instanceof VaultError) return undefined;
        throw error;
      }
    },
  };
}

/** The end of its time is sealed in: a row that is put back later with another does not open. */
function bindingOf(provider: string, expiresAt: Date): SealBinding {
  return { purpose: 'pasted-key', row: `${provider}:${expiresAt.getTime()}` };
}
