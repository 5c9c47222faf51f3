/** Which user an account belongs to, and which accounts are theirs together. */

import type { Queryable } from '../db/client.ts';
import { and, eq, type SQL, sql } from '../db/drizzle.ts';
import { identities } from '../db/schema.ts';

export interface NamedAccount {
  readonly platform: string;
  readonly platformUserId: string;
}

/** `telegram:123456` @returns undefined where it names nobody */
export function readAccount(text: string): NamedAccount | undefined {
  const [, platform, platformUserId] = /^([a-z]+):(\S{1,64})$/.exec(text) ?? [];
  return platform === undefined || platformUserId === undefined
    ? undefined
    : { platform, platformUserId };
}

/** @returns undefined where nobody of this name ever wrote, or they were forgotten */
export async function findPerson(
  db: Queryable,
  { platform, platformUserId }: NamedAccount,
): Promise<
  | {
      readonly userId: number;
      /** The account's own user: whose data key seals, and who it is when it is separated again. */
      readonly ownerId: number;
    }
  | undefined
> {
  const [found] = await db
    .select({ userId: identities.userId, ownUserId: identities.ownUserId })
    .from(identities)
    .where(and(eq(identities.platform, platform), eq(identities.platformUserId, platformUserId)));
  return found && { userId: found.userId, ownerId: found.ownUserId ?? found.userId };
}

/** As {@link findPerson}, the user alone. */
export async function findUser(db: Queryable, account: NamedAccount): Promise<number | undefined> {
  return (await findPerson(db, account))?.userId;
}

/** The account and all that are linked to it; itself alone where it is not known. */
export async function accountsOf(
  db: Queryable,
  account: NamedAccount,
): Promise<{ readonly userId: number | null; readonly accounts: readonly NamedAccount[] }> {
  const userId = await findUser(db, account);
  if (userId === undefined) return { userId: null, accounts: [account] };
  return { userId, accounts: await accountsOfUserId(db, userId) };
}

/** Empty where there is no such user any more. */
export function accountsOfUserId(db: Queryable, userId: number): Promise<readonly NamedAccount[]> {
  return db
    .select({ platform: identities.platform, platformUserId: identities.platformUserId })
    .from(identities)
    .where(eq(identities.userId, userId))
    .orderBy(identities.platform);
}

/**
 * An expression: `platform:ID` of a user's accounts, with a space between them; null without any.
 * Of a user who has joined another since, the account that joined: that is looked for without an
 * index, and so for few rows only.
 */
export function accountsOfUser(userId: SQL): SQL {
  const those = (column: SQL) => sql`(
    select string_agg(i.platform || ':' || i.platform_user_id, ' ' order by i.platform)
    from identities i where ${column} = ${userId})`;
  return sql`coalesce(${those(sql`i.user_id`)}, ${those(sql`i.own_user_id`)})`;
}
