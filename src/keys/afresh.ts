/** Going on for a user whose data key the ring can't open any more, because it lost a KEK. */

import type { Audit } from './audit.ts';
import { type SealBinding, type Vault, VaultError } from './vault.ts';

interface AfreshParts {
  readonly vault: Vault;
  readonly audit: Audit;
}

export function isRingIncomplete(error: unknown): boolean {
  return error instanceof VaultError && error.code === 'key-ring-incomplete';
}

/** To be called when the user has said so. @returns whether there was anything to begin afresh */
export function beginAfresh({ vault, audit }: AfreshParts, userId: number): Promise<boolean> {
  return vault.renew(userId, (tx) =>
    audit.append(tx, { action: 'data-key.renewed', actor: 'user', userId }),
  );
}

/** Seals what a user has just given us to keep: that says clearly enough that they want to go on. */
export async function sealGiven(
  parts: AfreshParts,
  userId: number,
  binding: SealBinding,
  plain: string,
): Promise<Uint8Array> {
  try {
    return await parts.vault.seal(userId, binding, plain);
  } catch (error) {
    if (!isRingIncomplete(error)) throw error;
    await beginAfresh(parts, userId);
    return parts.vault.seal(userId, binding, plain);
  }
}
