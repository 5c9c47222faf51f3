/** /export: everything that Latchkey knows of a user, without key material, in files of a bounded size. */

import { readHeldNotices } from '../chat/private-notices.ts';
import { decodeTurnInput } from '../chat/turn-input.ts';
import type { Database } from '../db/client.ts';
import { and, asc, eq, gt, inArray, sql } from '../db/drizzle.ts';
import {
  apiKeys,
  budgets,
  chats,
  credits,
  deliveries,
  identities,
  ownLimits,
  pastedKeys,
  planGrants,
  poolMembers,
  pools,
  turns,
  users,
} from '../db/schema.ts';
import type { FundingKind } from '../funding/ledger.ts';
import { houseDay } from '../funding/money.ts';
import type { Audit } from '../keys/audit.ts';
import { type Vault, VaultError } from '../keys/vault.ts';
import { type ExportedTurn, exportMarkdown } from '../text/export-file.ts';

/** The newest deeds of the audit trail; there is seldom more than one a day. */
const MOST_DEEDS = 10_000;

/** What is in memory of an export is of this order. */
const PART_BYTES = 4 * 1024 * 1024;
/** Turns read at a time. */
const PAGE = 20;
const DAY_MS = 86_400_000;
const EXPORTS_A_DAY = 2;

export interface ExportPart {
  /** From 1. */
  readonly number: number;
  readonly isLast: boolean;
  /** A whole JSON document. */
  readonly json: Uint8Array;
  /** The same to be read. */
  readonly markdown: Uint8Array;
}

export type ExportClaim =
  | { readonly result: 'granted'; readonly at: Date }
  | { readonly result: 'too-often'; readonly nextAt: Date };

export interface Exports {
  /** Counts one export, or refuses it: two in 24 hours, also when asked for at once. */
  claim(userId: number): Promise<ExportClaim>;
  /** Uncounts one that did not come to anything. */
  giveBack(userId: number, at: Date): Promise<void>;
  /**
   * Reads page by page, as the parts are asked for.
   * @param limits.maxFileBytes of either file of a part. A turn is not cut: a part stays far enough
   * below it for one more.
   */
  parts(userId: number, limits: { readonly maxFileBytes: number }): AsyncGenerator<ExportPart>;
}

export function createExports({
  db,
  vault,
  audit,
  now = () => new Date(),
  partBytes = PART_BYTES,
}: {
  readonly db: Database;
  readonly vault: Vault;
  readonly audit: Pick<Audit, 'of'>;
  readonly now?: () => Date;
  readonly partBytes?: number;
}): Exports {
  return {
    async claim(userId) {
      const at = now();
      const since = sql`${new Date(at.getTime() - DAY_MS).toISOString()}::timestamptz`;
      const granted = await db.execute(sql`
        update users set exported_at =
          array(select e from unnest(exported_at) e where e > ${since} order by e)
          || ${at.toISOString()}::timestamptz
        where id = ${userId}
          and (select count(*) from unnest(exported_at) e where e > ${since}) < ${EXPORTS_A_DAY}
        returning id`);
      if (granted.length > 0) return { result: 'granted', at };
      const [row] = await db
        .select({ exportedAt: users.exportedAt })
        .from(users)
        .where(eq(users.id, userId));
      const recent = (row?.exportedAt ?? []).toSorted((a, b) => a.getTime() - b.getTime());
      const oldest = recent.at(-EXPORTS_A_DAY) ?? at;
      return { result: 'too-often', nextAt: new Date(oldest.getTime() + DAY_MS) };
    },

    async giveBack(userId, at) {
      await db.execute(sql`
        update users set exported_at = array_remove(exported_at, ${at.toISOString()}::timestamptz)
        where id = ${userId}`);
    },

    async *parts(userId, { maxFileBytes }) {
      const mostBytes = Math.min(partBytes, maxFileBytes / 2);
      const exportedAt = now().toISOString();
      const account = await accountOf({ db, vault, audit }, userId);
      const places = new Map(account.chats.map((chat) => [chat.number, chat]));
      let number = 1;
      let json: string[] = [];
      let markdown: string[] = [];
      let size = Buffer.byteLength(JSON.stringify(account));

      const part = (isLast: boolean): ExportPart => {
        const head = {
          what: 'Everything that Latchkey knows of you, without API keys',
          exportedAt,
          part: number,
          isLast,
          ...(number === 1 ? { account } : {}),
        };
        const intro = JSON.stringify(head, null, 1).replace(/\n\}$/, '');
        const made = {
          number,
          isLast,
          json: Buffer.from(`${intro},\n "turns": [\n${json.join(',\n')}\n ]\n}\n`),
          markdown: Buffer.from(
            exportMarkdown.file({ exportedAt, number, isLast, account }, markdown),
          ),
        };
        number += 1;
        json = [];
        markdown = [];
        size = 0;
        return made;
      };

      for await (const turn of turnsOf({ db, vault }, userId)) {
        const { chatNumber, ...rest } = turn;
        const chat = places.get(chatNumber) ?? null;
        const exported: ExportedTurn = { ...rest, chat };
        const line = JSON.stringify(exported);
        const text = exportMarkdown.turn(exported);
        const more = Math.max(Buffer.byteLength(line), Buffer.byteLength(text));
        if (json.length > 0 && size + more > mostBytes) yield part(false);
        json.push(line);
        markdown.push(text);
        size += more;
      }
      yield part(true);
    },
  };
}

/** The user, and the users that linked accounts were before. */
const linked = (userId: number) => sql`(
  select ${userId}::bigint
  union select own_user_id from identities where user_id = ${userId} and own_user_id is not null)`;

const isTheirs = (userId: number) =>
  sql`coalesce(${turns.ownerId}, ${turns.userId}) in ${linked(userId)}`;

async function accountOf(
  {
    db,
    vault,
    audit,
  }: { readonly db: Database; readonly vault: Vault; readonly audit: Pick<Audit, 'of'> },
  userId: number,
) {
  const [user] = await db.select().from(users).where(eq(users.id, userId));
  const accounts = await db
    .select({ platform: identities.platform, id: identities.platformUserId })
    .from(identities)
    .where(eq(identities.userId, userId));
  const keys = await db
    .select({
      provider: apiKeys.provider,
      lastFour: apiKeys.hint,
      state: apiKeys.state,
      createdAt: apiKeys.createdAt,
      checkedAt: apiKeys.checkedAt,
      lastUsedAt: apiKeys.lastUsedAt,
    })
    .from(apiKeys)
    .where(sql`${apiKeys.userId} in ${linked(userId)}`)
    .orderBy(apiKeys.id);
  const offered = await db
    .select({
      provider: pastedKeys.provider,
      lastFour: pastedKeys.hint,
      forgottenAt: pastedKeys.expiresAt,
    })
    .from(pastedKeys)
    .where(eq(pastedKeys.userId, userId));
  const prepaid = await db
    .select({
      grantedMicros: credits.grantedMicros,
      spentMicros: sql<number>`coalesce(${budgets.spentMicros}, 0)`.mapWith(Number),
      models: credits.models,
      redeemedAt: credits.createdAt,
      expiresAt: credits.expiresAt,
    })
    .from(credits)
    .leftJoin(
      budgets,
      sql`${budgets.holderKind} = 'credit' and ${budgets.holderId} = ${credits.id}::text`,
    )
    .where(sql`coalesce(${credits.ownerId}, ${credits.userId}) in ${linked(userId)}`)
    .orderBy(credits.id);
  const used = await db
    .select({
      of: budgets.holderKind,
      period: budgets.period,
      starts: budgets.starts,
      turns: budgets.turns,
      spentMicros: budgets.spentMicros,
      reservedMicros: budgets.reservedMicros,
      grantedMicros: budgets.grantedMicros,
    })
    .from(budgets)
    .where(eq(budgets.userId, userId))
    .orderBy(budgets.starts, budgets.id);
  const usage = await db.execute<{
    month: string;
    funding: FundingKind;
    provider: string | null;
    model: string | null;
    turns: number;
    inputTokens: number;
    outputTokens: number;
    costMicros: number;
  }>(sql`
    select to_char(coalesce(finished_at, created_at) at time zone 'UTC', 'YYYY-MM') as month,
           funding, provider, model, count(*)::int as turns,
           coalesce(sum(input_tokens), 0)::bigint as "inputTokens",
           coalesce(sum(output_tokens), 0)::bigint as "outputTokens",
           coalesce(sum(cost_micros), 0)::bigint as "costMicros"
    from turns where coalesce(owner_id, user_id) in ${linked(userId)} and funding is not null
    group by 1, 2, 3, 4 order by 1, 2, 3, 4`);
  const [limit] = await db
    .select({ dayMicros: ownLimits.dayLimitMicros, monthMicros: ownLimits.monthLimitMicros })
    .from(ownLimits)
    .where(eq(ownLimits.userId, userId));
  const plans = await db
    .select({ plan: planGrants.plan, until: planGrants.until, grantedAt: planGrants.at })
    .from(planGrants)
    .where(sql`${planGrants.userId} in (select id from ${linked(userId)} as them (id))`);
  const theirs = await db.execute<{ id: number }>(
    sql`select id from ${linked(userId)} as them (id)`,
  );
  const trail = await audit.of(
    theirs.map(({ id }) => id),
    MOST_DEEDS,
  );
  const ownPools = await db
    .select({
      name: pools.name,
      state: pools.state,
      provider: pools.provider,
      settings: pools.settings,
      madeAt: pools.createdAt,
    })
    .from(pools)
    .where(eq(pools.userId, userId))
    .orderBy(pools.id);
  const memberships = await db
    .select({
      pool: pools.name,
      as: poolMembers.state,
      since: poolMembers.joinedAt,
      ownerReadsSince: poolMembers.reviewedSince,
    })
    .from(poolMembers)
    .innerJoin(pools, eq(pools.id, poolMembers.poolId))
    .where(sql`${poolMembers.userId} in ${linked(userId)}`)
    .orderBy(poolMembers.id);
  const places = await db
    .selectDistinct({
      number: chats.id,
      platform: chats.platform,
      kind: chats.kind,
      id: chats.platformChatId,
      thread: chats.threadId,
    })
    .from(chats)
    .innerJoin(turns, eq(turns.chatId, chats.id))
    .where(isTheirs(userId));
  return {
    since: user?.createdAt ?? null,
    accounts,
    settings: {
      provider: user?.provider ?? null,
      model: user?.model ?? null,
      groupContextAgreedAt: user?.groupConsentAt ?? null,
      showCost: user?.showCost === true,
      limits: limit ?? null,
    },
    exportsOfTheLastDay: user?.exportedAt ?? [],
    keys,
    keysOffered: offered,
    houseAllowance: used.flatMap(({ of, period, starts, grantedMicros: _, ...sums }) =>
      of === 'user' && period === 'day' ? [{ day: houseDay(starts), ...sums }] : [],
    ),
    credits: prepaid,
    budgets: used,
    plans,
    pools: ownPools,
    poolMemberships: memberships,
    usage: [...usage],
    chats: places,
    keyHistory: trail.map(({ at, action, actor, provider, platform }) => ({
      at,
      action,
      actor,
      provider,
      platform,
    })),
    // What was to be shown to them alone in a group, and waits for their press.
    notesHeld: await readHeldNotices({ db, vault }, userId),
  };
}

async function* turnsOf(
  { db, vault }: { readonly db: Database; readonly vault: Vault },
  userId: number,
) {
  let last = 0;
  for (;;) {
    const page = await db
      .select()
      .from(turns)
      .where(and(isTheirs(userId), gt(turns.id, last)))
      .orderBy(asc(turns.id))
      .limit(PAGE);
    const end = page.at(-1);
    if (end === undefined) return;
    last = end.id;
    const sent = await db
      .select()
      .from(deliveries)
      .where(
        inArray(
          deliveries.turnId,
          page.map((turn) => turn.id),
        ),
      );
    for (const turn of page) {
      yield {
        number: turn.id,
        chatNumber: turn.chatId ?? 0,
        conversation: turn.conversation,
        repliesToNumber: turn.followsTurnId,
        answeredToYouAlone: turn.isPrivate,
        askedAt: turn.sentAt,
        finishedAt: turn.finishedAt,
        state: turn.status,
        outcome: turn.outcome,
        funding: turn.funding,
        provider: turn.provider,
        model: turn.model,
        inputTokens: turn.inputTokens,
        cachedInputTokens: turn.cachedInputTokens,
        outputTokens: turn.outputTokens,
        costMicros: turn.costMicros,
        sentAs: sent.flatMap((row) =>
          row.turnId === turn.id && row.messageId !== null ? [row.messageId] : [],
        ),
        ...(await wordsOf(vault, turn)),
      };
    }
  }
}

/** `words`: whether they are there; `cleared` after HISTORY_DAYS, `unreadable` where they do not open. */
async function wordsOf(vault: Vault, turn: typeof turns.$inferSelect) {
  if (turn.input.length === 0) return { words: 'cleared', question: null, answer: null } as const;
  const open = (purpose: 'turn-input' | 'turn-answer', sealed: Uint8Array) =>
    vault.open(turn.ownerId ?? turn.userId, { purpose, row: turn.rowKey }, sealed);
  try {
    // What answers an interaction in the bot's name is no word of the user's.
    const { replyHandle: _, ...question } = decodeTurnInput(await open('turn-input', turn.input));
    return {
      words: 'here',
      question,
      answer: turn.answer === null ? null : await open('turn-answer', turn.answer),
    } as const;
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    return { words: 'unreadable', question: null, answer: null } as const;
  }
}
