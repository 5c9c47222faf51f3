/** Takes everything of a user out of the database, in the caller's transaction. */

import { randomBytes } from 'node:crypto';
import type { PlatformName } from '../chat/message.ts';
import type { Transaction } from '../db/client.ts';
import { inArray, type SQL, sql } from '../db/drizzle.ts';
import {
  budgets,
  forgetPrompts,
  heldNotices,
  inbox,
  keyChecks,
  keyPrompts,
  linkCodes,
  lostDataKeys,
  mailbox,
  ownLimits,
  pastedKeys,
  planGrants,
  sentNotices,
  turns,
} from '../db/schema.ts';
import { settleMany } from '../funding/settlement.ts';
import { type Period, windowOf } from '../funding/windows.ts';
import { forgetPools } from '../pools/forgotten-pools.ts';
import { CANCEL_CHANNEL } from '../queue/mailbox.ts';

/** A name for the books that leads nowhere: nothing is kept of whom it was drawn for. */
export function drawPseudonym(): string {
  return `forgotten-${randomBytes(12).toString('base64url')}`;
}

/** NOTIFY channel; the payload is the id of a user who was forgotten: their data key leaves every memory. */
export const FORGOTTEN_CHANNEL = 'latchkey_forgotten';

/** Tables with a column that names a user, all of them dealt with here; a test compares. */
export const TABLES_OF_A_USER: readonly string[] = [
  'api_keys',
  'budgets',
  'credits',
  'data_keys',
  'forget_prompts',
  'held_notices',
  'identities',
  'key_checks',
  'key_prompts',
  'link_attempts',
  'link_codes',
  'lost_data_keys',
  'mailbox',
  'moderation_log',
  'own_limits',
  'pasted_keys',
  'plan_grants',
  'pool_members',
  'pools',
  'reservations',
  'suspensions',
  'turns',
];

export interface DirectChat {
  readonly platform: PlatformName;
  readonly chatId: string;
}

/** Messages of the bot in one direct chat. */
export interface SentThere extends DirectChat {
  /** Those that are young enough to be deleted. */
  readonly messageIds: readonly string[];
  /** How many are older. */
  readonly older: number;
}

interface Identity {
  readonly platform: string;
  readonly platformUserId: string;
}

export interface Erased {
  readonly identities: readonly Identity[];
  /** What was used up of the house allowance, by its windows. */
  readonly used: readonly {
    readonly period: Period;
    readonly starts: Date;
    readonly turns: number;
    readonly spentMicros: number;
    readonly keyChecks: readonly Date[];
  }[];
  readonly sent: readonly SentThere[];
  /** The database's clock. */
  readonly at: Date;
}

/**
 * A user and the users that the linked accounts were before: all that one person has here. Held
 * against linking and separating.
 */
export async function linkedUsers(tx: Transaction, userId: number): Promise<readonly number[]> {
  const rows = await tx.execute<{ own: number | null }>(sql`
    select own_user_id as own from identities where user_id = ${userId} for update`);
  return [...new Set([userId, ...rows.flatMap(({ own }) => (own === null ? [] : [own]))])];
}

/** For `= any(…)`. */
const among = (ids: readonly number[]) => sql`any(${`{${ids.join(',')}}`}::bigint[])`;

/**
 * Deletes the users' rows and all that hangs on them; whoever still writes for them (a running turn,
 * a command) finds no row to write to or to refer to. What the turns cost is summed up under
 * `usagePseudonym`. Accounts that are linked to them and are to stay are separated first. Locks are
 * taken in the order of everybody else: turns, mailbox, reservations, budgets, user.
 * @param userIds one person's; see {@link linkedUsers}
 * @param deletableMs how old a message may be for the bot to delete it
 * @returns undefined where there are no such users
 */
export async function eraseUsers(
  tx: Transaction,
  {
    userIds,
    usagePseudonym,
    deletableMs,
    directChat,
  }: {
    readonly userIds: readonly number[];
    readonly usagePseudonym: string;
    readonly deletableMs: number;
    /** A chat that is known to be the user's own. */
    readonly directChat?: DirectChat;
  },
): Promise<Erased | undefined> {
  const theirs = among(userIds);
  const who = await tx.execute<{ platform: string; platformUserId: string }>(sql`
    select platform, platform_user_id as "platformUserId" from identities
    where coalesce(own_user_id, user_id) = ${theirs}`);
  const sent = await messagesSent(tx, theirs, deletableMs, addresses(who, directChat));
  const chatIds = new Set(await directChatIds(tx, theirs, who, directChat));

  // What has ended concerns nobody else, and may be much.
  await deleteTurns(tx, theirs, usagePseudonym, 'ended');

  await tx.execute(sql`
    select id from turns where user_id = ${theirs} order by id for no key update`);
  await tx.execute(sql`
    select from mailbox where user_id = ${theirs} order by user_id for update`);
  await tx.execute(sql`
    select from reservations r join turns t on t.id = r.turn_id
    where t.user_id = ${theirs} and r.settled_at is null order by r.turn_id, r.attempt
    for update of r`);
  await tx.execute(sql`
    select from budgets where user_id = ${theirs} or id in (
      select unnest(r.spent_budgets || r.answered_budgets)
      from reservations r join turns t on t.id = r.turn_id
      where t.user_id = ${theirs} and r.settled_at is null)
    order by id for no key update`);
  const [user] = await tx.execute<{ at: number }>(sql`
    select floor(extract(epoch from now()) * 1000)::bigint as at
    from users where id = ${theirs} order by id for update`);
  if (user === undefined) return undefined;

  await settleOpen(tx, theirs);
  const used = await usedUp(tx, theirs);
  await releaseOthers(tx, theirs);
  await forgetPools(tx, theirs);

  for (const id of await directChatIds(tx, theirs, who, directChat)) chatIds.add(id);
  await tx.execute(sql`
    select pg_notify(${CANCEL_CHANNEL}, id::text) from turns
    where user_id = ${theirs} and status = 'running'`);
  await deleteTurns(tx, theirs, usagePseudonym, 'all');
  await deleteDirectChats(tx, [...chatIds], who, directChat);
  await tx.execute(sql`delete from api_keys where user_id = ${theirs} or owner_id = ${theirs}`);
  await tx.execute(sql`delete from credits where user_id = ${theirs} or owner_id = ${theirs}`);
  for (const table of [
    pastedKeys,
    keyChecks,
    forgetPrompts,
    heldNotices,
    mailbox,
    budgets,
    ownLimits,
    planGrants,
    lostDataKeys,
  ]) {
    await tx.execute(sql`delete from ${table} where user_id = ${theirs}`);
  }
  // What was decided stays for the operator under the books' name; a suspension stays in force.
  await tx.execute(sql`
    update moderation_log set user_id = null, turn_id = null, pseudonym = ${usagePseudonym}
    where user_id = ${theirs}`);
  await tx.execute(sql`
    update suspensions set user_id = null, appeal = null, appeal_owner_id = null
    where user_id = ${theirs} or appeal_owner_id = ${theirs}`);
  // Codes that the person got wrong stay for their ten minutes: forgetting renews no tries.
  for (const table of [keyPrompts, linkCodes]) {
    await tx.execute(sql`
      delete from ${table} where (platform, platform_user_id) in (${addresses(who, undefined)})`);
  }
  await tx.execute(sql`delete from data_keys where user_id = ${theirs}`);
  await tx.execute(sql`
    delete from identities where user_id = ${theirs} or own_user_id = ${theirs}`);
  await tx.execute(sql`delete from users where id = ${theirs}`);
  for (const id of userIds) {
    await tx.execute(sql`select pg_notify(${FORGOTTEN_CHANNEL}, ${String(id)})`);
  }
  return { identities: who, used, sent, at: new Date(user.at) };
}

/**
 * What others have in these users' hands goes back to them: accounts that are linked to one of
 * them, keys that those added, credits that they redeemed, turns that they once wrote into a shared mailbox.
 */
async function releaseOthers(tx: Transaction, theirs: SQL): Promise<void> {
  const isOthers = sql`user_id = ${theirs} and owner_id is not null and not owner_id = ${theirs}`;
  await tx.execute(sql`
    update identities set user_id = own_user_id, own_user_id = null
    where user_id = ${theirs} and own_user_id is not null and not own_user_id = ${theirs}`);
  await tx.execute(sql`
    delete from api_keys aside using api_keys newer
    where aside.user_id = newer.owner_id and aside.provider = newer.provider
      and newer.user_id = ${theirs} and not newer.owner_id = ${theirs}`);
  await tx.execute(sql`
    update api_keys set user_id = owner_id, owner_id = null where ${isOthers}`);
  await tx.execute(sql`
    update credits set user_id = owner_id, owner_id = null where ${isOthers}`);
  // In the order in which they were written, behind whatever the other's mailbox has had.
  await tx.execute(sql`
    with moving as (
      select id, owner_id, row_number() over (partition by owner_id order by seq) as nth
      from turns where ${isOthers}
    ), sums as (
      select owner_id, count(*) as n from moving group by owner_id
    ), lines as (
      insert into mailbox as mb (user_id, last_seq, open) select owner_id, n, 0 from sums
      on conflict (user_id) do update set last_seq = mb.last_seq + excluded.last_seq
      returning user_id, last_seq
    )
    update turns t set user_id = m.owner_id, owner_id = null, seq = l.last_seq - s.n + m.nth
    from moving m join sums s using (owner_id) join lines l on l.user_id = m.owner_id
    where t.id = m.id`);
  await tx.execute(sql`
    update reservations r set user_id = t.user_id from turns t
    where r.turn_id = t.id and r.user_id = ${theirs} and not t.user_id = ${theirs}`);
}

async function messagesSent(
  tx: Transaction,
  theirs: SQL,
  deletableMs: number,
  own: ReturnType<typeof addresses>,
): Promise<readonly SentThere[]> {
  const rows = await tx.execute<{
    platform: PlatformName;
    chat_id: string;
    ids: string[] | null;
    older: number;
  }>(sql`
    with answers as (
      select c.platform, c.platform_chat_id as chat_id, d.message_id, d.at
      from turns t join chats c on c.id = t.chat_id join deliveries d on d.turn_id = t.id
      where coalesce(t.owner_id, t.user_id) = ${theirs} and c.kind = 'direct'
        and d.message_id <> ''
    ), sent as (
      select * from answers
      union
      select platform, platform_chat_id, message_id, at from sent_notices
      where (platform, platform_chat_id) in (${own})
         or (platform, platform_chat_id) in (select platform, chat_id from answers)
    )
    select platform, chat_id,
           json_agg(message_id) filter (where at > ${youngest(deletableMs)}) as ids,
           (count(*) filter (where at <= ${youngest(deletableMs)}))::int as older
    from sent group by platform, chat_id`);
  return rows.map((row) => ({
    platform: row.platform,
    chatId: row.chat_id,
    messageIds: row.ids ?? [],
    older: row.older,
  }));
}

const youngest = (ms: number) => sql`now() - ${ms}::bigint * interval '1 ms'`;

/** Where a user's direct chat has the user's own number, it is known even before the first turn. */
async function directChatIds(
  tx: Transaction,
  theirs: SQL,
  who: Erased['identities'],
  directChat: DirectChat | undefined,
): Promise<readonly number[]> {
  const rows = await tx.execute<{ id: number }>(sql`
    select id from chats where kind = 'direct' and (
      id in (select chat_id from turns where coalesce(owner_id, user_id) = ${theirs})
      or (platform, platform_chat_id) in (${addresses(who, directChat)}))`);
  return rows.map((row) => row.id);
}

function addresses(who: Erased['identities'], directChat: DirectChat | undefined) {
  const known = who.flatMap((i) => [
    sql`(${i.platform}, ${i.platformUserId})`,
    // What was said before the channel was known, on Discord.
    sql`(${i.platform}, ${`user:${i.platformUserId}`})`,
  ]);
  if (directChat !== undefined) known.push(sql`(${directChat.platform}, ${directChat.chatId})`);
  return sql.join(known.length === 0 ? [sql`('', '')`] : known, sql`, `);
}

/** Without their words, so that one statement holds what they cost and deletes them. */
async function deleteTurns(
  tx: Transaction,
  theirs: SQL,
  pseudonym: string,
  which: 'ended' | 'all',
): Promise<void> {
  const chosen = which === 'all' ? sql`true` : sql`t.finished_at is not null`;
  // A message in a group stays known as one that was dealt with: nobody's, and answered no more.
  await tx.execute(sql`
    update inbox i set turn_id = null, handled_at = coalesce(handled_at, now())
    from turns t join chats c on c.id = t.chat_id
    where coalesce(t.owner_id, t.user_id) = ${theirs} and ${chosen} and c.kind = 'group'
      and i.platform = c.platform and i.platform_chat_id = c.platform_chat_id
      and i.turn_id = t.id`);
  await tx.execute(sql`
    with gone as (
      delete from turns t where coalesce(t.owner_id, t.user_id) = ${theirs} and ${chosen}
      returning id, coalesce(finished_at, created_at) as at, funding, provider, model,
                input_tokens, cached_input_tokens, output_tokens, cost_micros
    ), house as (
      select r.turn_id, sum(r.settled_micros)::bigint as micros
      from reservations r where r.turn_id in (select id from gone)
        and r.funding in ('house', 'credit')
      group by r.turn_id
    ), held as (
      -- What others' budgets hold of it goes on standing there, as one entry each.
      select held.id, (count(*) filter (where r.answered))::int as turns,
             sum(case when held.pays then r.settled_micros else 0 end)::bigint as micros
      from reservations r cross join lateral (
        select unnest(r.spent_budgets) as id, true as pays
        union all select unnest(r.answered_budgets), r.answered
      ) held
      where r.turn_id in (select id from gone) and r.settled_at is not null group by held.id
    ), kept as (
      insert into budget_entries (budget_id, kind, turns, micros, reason)
      select b.id, 'adjust', held.turns, held.micros, 'forgotten'
      from held join budgets b on b.id = held.id where b.user_id is null or not b.user_id = ${theirs}
    )
    insert into forgotten_usage (pseudonym, day, funding, provider, model, turns, input_tokens,
                                 cached_input_tokens, output_tokens, cost_micros, house_micros)
    select ${pseudonym}, (g.at at time zone 'UTC')::date, g.funding, g.provider, g.model, count(*),
           coalesce(sum(g.input_tokens), 0), coalesce(sum(g.cached_input_tokens), 0),
           coalesce(sum(g.output_tokens), 0), coalesce(sum(g.cost_micros), 0),
           coalesce(sum(h.micros), 0)
    from gone g left join house h on h.turn_id = g.id
    where g.funding is not null or h.micros > 0
    group by 2, 3, 4, 5`);
}

/**
 * A turn that was under way may have cost money, and nobody will know how much: it counts in full,
 * for the house and for the day's allowance, or forgetting in mid-answer would be a free one.
 */
async function settleOpen(tx: Transaction, theirs: SQL): Promise<void> {
  const isAsked = sql`(select t.called_at is not null from turns t where t.id = r.turn_id)`;
  const open = settleMany(sql`r.turn_id in (select id from turns where user_id = ${theirs})`, {
    micros: sql`case when ${isAsked} then r.amount_micros else 0 end`,
    answered: isAsked,
  });
  await tx.execute(sql`with ${open} select from settled`);
}

/** Checks of keys count with the day on which the user is forgotten. */
async function usedUp(tx: Transaction, theirs: SQL): Promise<Erased['used']> {
  // What accounts had used before they were linked was summed up then, in one of the rows.
  const windows = await tx
    .select({
      period: budgets.period,
      starts: budgets.starts,
      turns: sql<number>`max(${budgets.turns})`.mapWith(Number),
      spentMicros: sql<number>`max(${budgets.spentMicros})`.mapWith(Number),
    })
    .from(budgets)
    .where(sql`${budgets.userId} = ${theirs} and ${budgets.holderKind} = 'user'
      and ${budgets.period} <> 'total'`)
    .groupBy(budgets.period, budgets.starts);
  const used = windows.map((window) => ({ ...window, keyChecks: [] as readonly Date[] }));
  const checks = await tx.execute<{ at: number }>(sql`
    select (extract(epoch from at) * 1000)::bigint as at
    from key_checks where user_id = ${theirs}`);
  if (checks.length === 0) return used;
  const { period, starts } = windowOf('day', new Date());
  const isToday = (window: (typeof used)[number]) =>
    window.period === period && window.starts.getTime() === starts.getTime();
  const today = used.find(isToday) ?? { period, starts, turns: 0, spentMicros: 0 };
  const keyChecks = checks.map(({ at }) => new Date(at));
  return [...used.filter((window) => !isToday(window)), { ...today, keyChecks }];
}

async function deleteDirectChats(
  tx: Transaction,
  chatIds: readonly number[],
  who: Erased['identities'],
  directChat: DirectChat | undefined,
): Promise<void> {
  const known = await tx.execute<{ platform: string; chat_id: string }>(sql`
    select platform, platform_chat_id as chat_id from chats
    where id = any(${`{${chatIds.join(',')}}`}::bigint[])`);
  const places = [
    addresses(who, directChat),
    ...known.map((c) => sql`(${c.platform}, ${c.chat_id})`),
  ];
  for (const table of [inbox, sentNotices]) {
    await tx.execute(sql`
      delete from ${table} where (platform, platform_chat_id) in (${sql.join(places, sql`, `)})`);
  }
  if (chatIds.length === 0) return;
  await tx
    .update(turns)
    .set({ chatId: null })
    .where(inArray(turns.chatId, [...chatIds]));
  await tx.execute(sql`delete from chats where id = any(${`{${chatIds.join(',')}}`}::bigint[])`);
}
