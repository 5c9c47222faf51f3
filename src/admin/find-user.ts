/** Whom the operator means by `platform:ID`. */

import type { Database } from '../db/client.ts';
import { and, eq } from '../db/drizzle.ts';
import { identities } from '../db/schema.ts';
import { StartError } from '../start-error.ts';

export interface NamedAccount {
  readonly platform: string;
  readonly platformUserId: string;
}

/** @throws StartError */
export function parseAccount(user: string, orElse = ''): NamedAccount {
  const [, platform = '', platformUserId = ''] = /^([a-z]+):(.+)$/.exec(user) ?? [];
  if (platform === '') {
    throw new StartError(
      `"${user}" names no user: take platform:ID, such as telegram:123456${orElse}.`,
    );
  }
  return { platform, platformUserId };
}

/** @returns undefined where nobody of this name ever wrote, or they were forgotten */
export async function findUser(
  db: Database,
  { platform, platformUserId }: NamedAccount,
): Promise<number | undefined> {
  const [found] = await db
    .select({ userId: identities.userId })
    .from(identities)
    .where(and(eq(identities.platform, platform), eq(identities.platformUserId, platformUserId)));
  return found?.userId;
}

/** The account and all that are linked to it; itself alone where it is not known. */
export async function accountsOf(
  db: Database,
  account: NamedAccount,
): Promise<{ readonly userId: number | null; readonly accounts: readonly NamedAccount[] }> {
  const userId = await findUser(db, account);
  if (userId === undefined) return { userId: null, accounts: [account] };
  const accounts = await db
    .select({ platform: identities.platform, platformUserId: identities.platformUserId })
    .from(identities)
    .where(eq(identities.userId, userId));
  return { userId, accounts };
}

export function unknownUser(user: string): StartError {
  return new StartError(`No user ${user} is known here: they never wrote, or were forgotten.`);
}
