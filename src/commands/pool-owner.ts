/** /pool, as far as the owner of a pool is concerned: making, setting, roster, links. */

import { parseUsd } from '../funding/money.ts';
import { csvOf } from '../pools/csv.ts';
import { INVITE_MS } from '../pools/members.ts';
import { raiseMember, resetMember } from '../pools/pool-budgets.ts';
import { USUAL_SETTINGS } from '../pools/pool-settings.ts';
import { POOL_NAME, readPoolWords } from '../pools/pool-words.ts';
import { type Pool, type PoolMade, stopOf } from '../pools/pools.ts';
import { readForReview } from '../pools/review.ts';
import { type RosterMember, readRoster, rosterCsv, rosterMembers } from '../pools/roster.ts';
import { poolsText } from '../text/pools.ts';
import { type CommandContext, rowId } from './command.ts';
import { identityOf } from './linked-notices.ts';
import {
  ownPool,
  type PoolCommandParts,
  type PoolVerb,
  poolPage,
  splitWord,
} from './pool-parts.ts';

const MOST_NAMES = 200;

export function poolOwnerVerbs(parts: PoolCommandParts): Readonly<Record<string, PoolVerb>> {
  const { db, vault, pools, members } = parts;

  async function show(context: CommandContext, pool: Pool, remark?: string): Promise<void> {
    const found = (await pools.find(pool.id)) ?? pool;
    context.replace(poolsText.page(await poolPage(parts, found), remark));
  }

  /** The pool that is named first, if it is the sender's own. */
  const withOwn =
    (work: (context: CommandContext, pool: Pool, rest: string) => Promise<void>): PoolVerb =>
    async (context, words) => {
      const { word, rest } = splitWord(words);
      const pool = await ownPool(parts, context.userId, word);
      if (pool === undefined) return context.replace(poolsText.unknown());
      await work(context, pool, rest);
    };

  /** Of a member's number out of the roster. */
  async function memberOf(pool: Pool, word: string): Promise<RosterMember | undefined> {
    const id = rowId(word.replace(/^#/, ''));
    return (await rosterMembers(db, pool)).find(({ memberId }) => memberId === id);
  }

  async function settled(context: CommandContext, made: PoolMade, remark: string): Promise<void> {
    switch (made.result) {
      case 'made':
        return show(context, made.pool, remark);
      case 'no-key':
        return context.replace(poolsText.noKey());
      case 'name-taken':
        return context.replace(poolsText.nameTaken());
      case 'too-many':
        return context.replace(poolsText.tooMany());
    }
  }

  async function make(context: CommandContext, words: string): Promise<void> {
    const read = readPoolWords(words, USUAL_SETTINGS.memberMicros);
    if (!read.ok) return context.replace(poolsText.badWord(read.word));
    const { change, rest } = read;
    const [name = '', ...more] = change.name === undefined ? rest : [change.name, ...rest];
    if (name === '') return context.replace(poolsText.needsName());
    if (more.length > 0 || !POOL_NAME.test(name)) return context.replace(poolsText.badName());
    if (cannotRequire(change.settings.moderation)) {
      return context.replace(poolsText.cannotRequire());
    }
    // Who writes it all in one line wants it as it is; else it is looked over first.
    const isWhole = words.includes('=');
    const owner = { userId: context.userId, by: identityOf(context) };
    const made = await pools.make(owner, name, change, isWhole);
    await settled(context, made, isWhole ? poolsText.made : poolsText.draft);
  }

  const cannotRequire = (moderation: string | undefined) =>
    moderation === 'required' && !parts.moderates;

  async function set(context: CommandContext, pool: Pool, words: string): Promise<void> {
    const read = readPoolWords(words, pool.settings.memberMicros);
    if (!read.ok) return context.replace(poolsText.badWord(read.word));
    const [odd] = read.rest;
    if (odd !== undefined) return context.replace(poolsText.badWord(odd));
    if (cannotRequire(read.change.settings.moderation)) {
      return context.replace(poolsText.cannotRequire());
    }
    const made = await pools.change(pool, read.change);
    await settled(context, made, poolsText.changed);
  }

  async function linkOf(context: CommandContext, token: string): Promise<string | undefined> {
    return parts.sender(context.chat.platform).directLink?.(`pool-${token}`);
  }

  async function invite(context: CommandContext, pool: Pool, rest: string): Promise<void> {
    const until = new Date(Date.now() + INVITE_MS);
    const names = rest
      .split(/[,;\n]/)
      .map((name) => name.trim())
      .filter((name) => name !== '');
    if (names.length > MOST_NAMES) return context.answer(poolsText.tooManyNames());
    if (names.length === 0) {
      const token = await members.invite(pool, undefined);
      const link = await linkOf(context, token);
      return context.answer(poolsText.invite(pool.name, token, link, until));
    }
    const links: { name: string; link: string; command: string }[] = [];
    for (const name of names) {
      const token = await members.invite(pool, name);
      const command = `/pool join ${token}`;
      links.push({ name, link: (await linkOf(context, token)) ?? command, command });
    }
    context.answer(poolsText.invites(pool.name, links, csvOf(links), until));
  }

  async function roster(context: CommandContext, pool: Pool): Promise<void> {
    const read = await readRoster(parts, pool, new Date());
    const csv = rosterCsv(read);
    context.answer(poolsText.roster(pool.name, read.rows, csv, read.totalMicros));
  }

  return {
    new: make,
    make: (context) => make(context, 'pool'),
    open: withOwn((context, pool) => show(context, pool)),
    set: withOwn(set),
    invite: withOwn(invite),
    uninvite: withOwn(async (context, pool) =>
      context.answer(poolsText.uninvited(await members.uninvite(pool))),
    ),
    roster: withOwn(roster),
    remove: withOwn(async (context, pool, rest) => {
      const member = await memberOf(pool, rest);
      if (member === undefined) return context.answer(poolsText.noMember());
      const userId = await members.remove(pool.id, member.memberId);
      context.answer(poolsText.removed(pool.name));
      if (userId !== undefined) parts.tell(userId, poolsText.removedBefore(pool.name));
    }),
    reset: withOwn(async (context, pool, rest) => {
      const now = new Date();
      const isAll = rest.toLowerCase() === 'all';
      const chosen = isAll
        ? await rosterMembers(db, pool)
        : [await memberOf(pool, rest)].flatMap((one) => one ?? []);
      if (chosen.length === 0) return context.answer(poolsText.noMember());
      for (const member of chosen) await resetMember(db, member, now);
      context.answer(poolsText.reset(chosen.length));
    }),
    raise: withOwn(async (context, pool, rest) => {
      const { word, rest: amount } = splitWord(rest);
      const member = await memberOf(pool, word);
      const micros = parseUsd(amount);
      if (member === undefined) return context.answer(poolsText.noMember());
      if (micros === undefined) return context.answer(poolsText.badWord(amount));
      await raiseMember(db, member, micros, new Date());
      context.answer(poolsText.raised(micros));
    }),
    review: withOwn(async (context, pool, rest) => {
      const turns = await readForReview({ db, vault }, pool, rowId(rest.replace(/^#/, '')));
      if (turns === undefined) return context.answer(poolsText.notReviewed());
      context.answer(poolsText.review(poolsText.reviewFile(turns), turns.length));
    }),
    pause: withOwn(async (context, pool) => {
      await pools.pause(pool, 'owner');
      await show(context, pool, poolsText.paused);
    }),
    resume: withOwn(async (context, pool) => {
      if (!(await pools.open(pool))) return context.replace(poolsText.noKey());
      const isOver = stopOf({ ...pool, state: 'open' }, new Date()) === 'ended';
      await show(context, pool, isOver ? poolsText.stillOver : poolsText.opened);
    }),
    close: withOwn(async (context, pool) =>
      context.replace(poolsText.confirmClose(pool.id, pool.name)),
    ),
    closed: withOwn(async (context, pool) => {
      await pools.close(pool);
      context.replace(poolsText.closed(pool.name));
    }),
  };
}
