/** A pool pays, with its owner's key, for its members and for those who ask in its chats. */

import { wholeOf } from '../chat/chat-rules.ts';
import type { Notice } from '../chat/platform.ts';
import type { Database } from '../db/client.ts';
import { and, eq, ne, sql } from '../db/drizzle.ts';
import { apiKeys as apiKeyRows, poolChats, poolMembers, pools } from '../db/schema.ts';
import type { Funding, FundingSource, Offer, TurnToPay } from '../funding/funding.ts';
import type { ApiKeys } from '../keys/api-keys.ts';
import { VaultError } from '../keys/vault.ts';
import { KEY_FAILURES } from '../llm/provider.ts';
import { poolFundingText } from '../text/pool-funding.ts';
import type { LookForOwner } from './bound-chats.ts';
import type { PoolMembers } from './members.ts';
import { type MemberBudget, memberBudgets, memberCaps } from './pool-budgets.ts';
import { poolRates } from './pool-settings.ts';
import { poolWindow } from './pool-windows.ts';
import { type Pool, type PoolStop, type Pools, poolOf, stopOf } from './pools.ts';

export interface PoolFundingParts {
  readonly db: Database;
  readonly apiKeys: Pick<ApiKeys, 'keyFor' | 'markUsed' | 'markRefused'>;
  readonly pools: Pick<Pools, 'pause'>;
  readonly members: Pick<PoolMembers, 'admitGuest'>;
  /** Never throws. */
  readonly lookForOwner: LookForOwner;
  /** Never throws. */
  readonly tellOwner: (ownerId: number, notice: Notice) => void;
  readonly now?: () => Date;
}

/** A pool that may pay for somebody. */
interface Candidate {
  readonly pool: Pool;
  /** Undefined: a guest who has not asked there before. */
  readonly memberId: number | undefined;
  readonly model: string | null;
  readonly joinedAt: Date;
  /** Its owner may read what they ask. */
  readonly isReviewed: boolean;
  /** It pays for whoever asks in the turn's chat. */
  readonly isBound: boolean;
  readonly keyState: 'there' | 'refused' | 'gone';
}

export function createPoolFunding(parts: PoolFundingParts): FundingSource {
  const { db, apiKeys, now = () => new Date() } = parts;

  /** The pool of the chat, then the one that was chosen, then the oldest membership. */
  async function candidatesOf({ userId, turn }: TurnToPay): Promise<readonly Candidate[]> {
    const chat = turn?.chat.kind === 'group' ? wholeOf(turn.chat) : undefined;
    const isBoundHere = and(
      eq(poolChats.platform, chat?.platform ?? ''),
      eq(poolChats.wholeId, chat?.wholeId ?? ''),
    );
    const theirs = sql`(select pool_id from pool_members where user_id = ${userId}::bigint
      union select pool_id from pool_chats where ${isBoundHere})`;
    const found = await db
      .select({
        row: pools,
        memberId: poolMembers.id,
        model: poolMembers.model,
        joinedAt: poolMembers.joinedAt,
        reviewedSince: poolMembers.reviewedSince,
        boundPool: poolChats.poolId,
        keyState: apiKeyRows.state,
      })
      .from(pools)
      .leftJoin(poolMembers, and(eq(poolMembers.poolId, pools.id), eq(poolMembers.userId, userId)))
      .leftJoin(poolChats, and(eq(poolChats.poolId, pools.id), isBoundHere))
      .leftJoin(
        apiKeyRows,
        and(eq(apiKeyRows.id, pools.keyId), eq(apiKeyRows.userId, pools.userId)),
      )
      .where(
        and(
          sql`${pools.id} in ${theirs}`,
          ne(pools.state, 'draft'),
          sql`${pools.userId} is distinct from ${userId}::bigint`,
          sql`(${poolMembers.state} = 'member'
            or (${poolChats.poolId} is not null and ${poolMembers.state} is distinct from 'removed'))`,
        ),
      )
      .orderBy(
        sql`${poolChats.poolId} is not null desc`,
        sql`${poolMembers.chosenAt} desc nulls last`,
        poolMembers.joinedAt,
        pools.id,
      );
    return found.map(({ row, memberId, model, joinedAt, reviewedSince, boundPool, keyState }) => ({
      pool: poolOf(row),
      memberId: memberId ?? undefined,
      model,
      joinedAt: joinedAt ?? now(),
      isReviewed: reviewedSince !== null,
      isBound: boundPool !== null,
      keyState: keyState === null ? 'gone' : keyState === 'refused' ? 'refused' : 'there',
    }));
  }

  /** Opened, or why the pool does not pay. */
  async function keyOf({ pool, keyState }: Candidate, isTurn: boolean) {
    const stop = stopOf(pool, now());
    if (stop !== undefined) return stop;
    const { ownerId } = pool;
    if (ownerId === undefined) return 'owner-left' as const;
    if (keyState === 'gone') {
      // Not by itself again with whatever key its owner brings next: that was given for nobody else.
      if (isTurn && (await parts.pools.pause(pool, 'key'))) {
        parts.tellOwner(ownerId, poolFundingText.keyGone(pool.name));
      }
      return 'key' as const;
    }
    if (keyState === 'refused') return 'key' as const;
    try {
      return (await apiKeys.keyFor(ownerId, pool.provider)) ?? ('key' as const);
    } catch (error) {
      if (error instanceof VaultError) return 'key' as const;
      throw error;
    }
  }

  /** Tells its owner once of each kind of failure, until it has worked again. */
  async function noteProblem(pool: Pool, problem: string | null): Promise<boolean> {
    const noted = await db
      .update(pools)
      .set({ problem })
      .where(sql`${pools.id} = ${pool.id} and ${pools.problem} is distinct from ${problem}`)
      .returning({ id: pools.id });
    return noted.length > 0;
  }

  const ended =
    (pool: Pool, ownerId: number, version: number): Funding['ended'] =>
    async (turnId, error) => {
      const { provider, name } = pool;
      if (error === undefined) {
        await apiKeys.markUsed(ownerId, provider, version);
        if (pool.problem !== null) await noteProblem(pool, null);
        return undefined;
      }
      if (error.code === 'key-refused') {
        const refusal = await apiKeys.markRefused(ownerId, provider, version, turnId);
        if (refusal === 'told-here') {
          parts.tellOwner(ownerId, poolFundingText.keyRefused(name, provider));
        }
      } else if (KEY_FAILURES.has(error.code) && (await noteProblem(pool, error.code))) {
        parts.tellOwner(ownerId, poolFundingText.keyFails(name, provider, error.code));
      }
      return undefined;
    };

  return {
    kind: 'pool',
    async *offer(asked): AsyncGenerator<Offer> {
      /** The first that does not pay. */
      let refused: { readonly pool: Pool; readonly stop: PoolStop } | undefined;
      let pays = false;
      for (const candidate of await candidatesOf(asked)) {
        const { pool } = candidate;
        if (candidate.isBound && asked.turn !== undefined) {
          parts.lookForOwner(asked.turn.chat, pool);
        }
        const key = await keyOf(candidate, asked.turn !== undefined);
        if (typeof key === 'string') {
          refused ??= { pool, stop: key };
          continue;
        }
        const { ownerId } = pool;
        const memberId =
          candidate.memberId ??
          (asked.turn &&
            (await parts.members.admitGuest(pool.id, asked.userId, asked.turn.chat.platform)));
        if (memberId === undefined || ownerId === undefined) continue;
        const { settings } = pool;
        const member = { poolId: pool.id, memberId, joinedAt: candidate.joinedAt, settings };
        const at = now();
        const budgets = await memberBudgets(db, member, at);
        const [first = ''] = settings.models;
        const model = settings.models.find((one) => one === candidate.model) ?? first;
        const facts = {
          name: pool.name,
          hourEnds: endsOf(pool, 'hour', at),
          dayEnds: endsOf(pool, 'day', at),
          monthEnds: endsOf(pool, 'month', at),
        };
        if (!pays && refused !== undefined && !isOver(refused.stop)) yield stopped(refused);
        pays = true;
        yield {
          offer: 'pays',
          funding: {
            kind: 'pool',
            id: pool.id,
            name: pool.name,
            provider: pool.provider,
            model,
            apiKey: key.apiKey,
            caps: memberCaps(member, budgets),
            passesOver: true,
            unpriced: 'pool-price-unknown',
            moderation: settings.moderation,
            pool: facts,
            ...(settings.review && !candidate.isReviewed
              ? { remark: poolFundingText.notRead() }
              : {}),
            admit: () => undefined,
            rates: poolRates(
              settings,
              { poolId: pool.id, userId: asked.userId },
              { provider: pool.provider, model },
            ),
            passedOver: (outcome, againAt) => poolFundingText.passedOver(outcome, facts, againAt),
            ended: ended(pool, ownerId, key.version),
            async costNote({ costMicros, assumed, reservedMicros }) {
              const states = await memberBudgets(db, member, now());
              const change = (costMicros ?? 0) - reservedMicros;
              const settled = states.map(
                (s): MemberBudget => ({
                  ...s,
                  usedMicros: s.usedMicros + change,
                }),
              );
              return poolFundingText.cost(pool.name, { costMicros, assumed }, settled);
            },
          },
        };
      }
      if (refused !== undefined && !pays) yield stopped(refused);
    },
  };
}

/** Nothing to be told of again and again, where another pool pays. */
const isOver = (stop: PoolStop) => stop === 'closed' || stop === 'owner-left' || stop === 'ended';

const stopped = ({ pool, stop }: { readonly pool: Pool; readonly stop: PoolStop }): Offer => ({
  offer: 'refused',
  outcome: 'pool-unavailable',
  passesOver: true,
  note: poolFundingText.stopped(pool.name, stop),
});

function endsOf({ settings }: Pool, period: 'hour' | 'day' | 'month', at: Date): Date {
  return poolWindow(settings, period, at).ends ?? at;
}
