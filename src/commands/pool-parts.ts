/** What the parts of /pool share: finding the pool that is meant, and showing it. */

import type { ChatRights } from '../chat/chat-rights.ts';
import type { PlatformName } from '../chat/message.ts';
import type { PlatformSender } from '../chat/platform.ts';
import type { Database } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';
import { budgetStates } from '../funding/budgets.ts';
import type { Vault } from '../keys/vault.ts';
import { providerEntry } from '../llm/catalogue.ts';
import type { Membership, PoolMembers } from '../pools/members.ts';
import { memberBudgets, poolTotal } from '../pools/pool-budgets.ts';
import { endOf } from '../pools/pool-settings.ts';
import { type Pool, type Pools, stopOf } from '../pools/pools.ts';
import type { TellPerson } from '../pools/tell.ts';
import type { MemberPage, PoolPage } from '../text/pools.ts';
import type { CommandContext } from './command.ts';

export interface PoolCommandParts {
  readonly db: Database;
  readonly vault: Pick<Vault, 'open'>;
  readonly pools: Pools;
  readonly members: PoolMembers;
  readonly sender: (platform: PlatformName) => PlatformSender;
  readonly rights: (platform: PlatformName) => ChatRights | undefined;
  readonly tell: TellPerson;
  /** Whether this installation moderates at all. */
  readonly moderates: boolean;
}

/** One thing that /pool does; the rest of the words stands behind its verb. */
export type PoolVerb = (context: CommandContext, words: string) => Promise<void>;

/** `NAME rest of it`. */
export function splitWord(words: string): { readonly word: string; readonly rest: string } {
  const match = /^(\S*)\s*([\s\S]*)$/.exec(words.trim());
  return { word: match?.[1] ?? '', rest: match?.[2]?.trim() ?? '' };
}

/** By its name, or by its number (`#12`, as buttons have it). Without either: the only one. */
export function findByName<T>(
  all: readonly T[],
  nameOf: (one: T) => { readonly id: number; readonly name: string },
  word: string,
): T | undefined {
  if (word === '') return all.length === 1 ? all[0] : undefined;
  const wanted = word.toLowerCase();
  const isIt = (one: T) => {
    const { id, name } = nameOf(one);
    return `#${id}` === wanted || name.toLowerCase() === wanted;
  };
  return all.find(isIt);
}

export const ownPool = async ({ pools }: PoolCommandParts, userId: number, word: string) =>
  findByName(await pools.ownedBy(userId), (pool) => pool, word);

export async function poolPage({ db }: PoolCommandParts, pool: Pool): Promise<PoolPage> {
  const [[total], [counted]] = await Promise.all([
    budgetStates(db, [poolTotal(pool.id)]),
    db.execute<{ n: number }>(sql`
      select count(*)::int as n from pool_members
      where pool_id = ${pool.id} and state = 'member'`),
  ]);
  return {
    ...pool,
    providerName: providerEntry(pool.provider).name,
    stop: stopOf(pool, new Date()),
    problem: pool.problem !== null,
    members: counted?.n ?? 0,
    totalMicros: (total?.spentMicros ?? 0) + (total?.reservedMicros ?? 0),
    endsAt: endOf(pool.settings),
  };
}

export async function memberPage(
  { db }: PoolCommandParts,
  membership: Membership,
  paysFirst: boolean,
): Promise<MemberPage> {
  const { pool, memberId, joinedAt, model, reviewedSince } = membership;
  const { settings } = pool;
  const now = new Date();
  const [budgets, [total]] = await Promise.all([
    memberBudgets(db, { poolId: pool.id, memberId, joinedAt, settings }, now),
    budgetStates(db, [poolTotal(pool.id)]),
  ]);
  const [first = ''] = settings.models;
  return {
    id: pool.id,
    name: pool.name,
    stop: stopOf(pool, now),
    budgets: budgets.map(({ period, limitMicros, usedMicros, window }) => ({
      period,
      limitMicros,
      usedMicros,
      endsAt: window.ends,
    })),
    leftMicros:
      settings.totalMicros === null
        ? null
        : settings.totalMicros - (total?.spentMicros ?? 0) - (total?.reservedMicros ?? 0),
    model: settings.models.find((one) => one === model) ?? first,
    models: settings.models,
    reviewed: settings.review && reviewedSince !== null,
    paysFirst,
  };
}
