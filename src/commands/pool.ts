/** /pool: a key that its owner shares with members, each with a budget. */

import { wholeOf } from '../chat/chat-rules.ts';
import { type Notice, PlatformError } from '../chat/platform.ts';
import type { Pool } from '../pools/pools.ts';
import { poolsText } from '../text/pools.ts';
import type { Command, CommandContext } from './command.ts';
import { poolMemberVerbs, TOKEN } from './pool-member.ts';
import { poolOwnerVerbs } from './pool-owner.ts';
import {
  memberPage,
  ownPool,
  type PoolCommandParts,
  type PoolVerb,
  poolPage,
  splitWord,
} from './pool-parts.ts';

export function createPool(parts: PoolCommandParts): Command {
  const { pools, members } = parts;
  const verbs = new Map<string, PoolVerb>([
    ...Object.entries(poolOwnerVerbs(parts)),
    ...Object.entries(poolMemberVerbs(parts)),
  ]);
  /** What only buttons lead to. */
  const pressed = new Set(['yes', 'agree', 'declined', 'closed', 'make', 'open']);

  async function list({ userId, replace }: CommandContext): Promise<void> {
    const [owned, joined] = await Promise.all([pools.ownedBy(userId), members.of(userId)]);
    if (owned.length + joined.length === 0) return replace(poolsText.nothing());
    replace(
      poolsText.list(
        await Promise.all(owned.map((pool) => poolPage(parts, pool))),
        await Promise.all(joined.map((one, nth) => memberPage(parts, one, nth === 0))),
      ),
    );
  }

  const tell = (context: CommandContext, notice: Notice) => context.answer(notice, notice.markdown);

  /** In a group: only who may manage it, with a pool of their own. */
  async function managed(context: CommandContext, word: string): Promise<Pool | undefined> {
    const { chat, sender, userId } = context;
    try {
      const may = await parts.rights(chat.platform)?.mayManage(chat, sender.platformUserId);
      const pool = may === true ? await ownPool(parts, userId, word) : undefined;
      if (pool === undefined) {
        tell(context, may === true ? poolsText.unknown() : poolsText.notManager());
      }
      return pool;
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      tell(context, poolsText.couldNotAsk());
      return undefined;
    }
  }

  async function inGroup(context: CommandContext): Promise<void> {
    const { word: verb, rest } = splitWord(context.argument);
    const { word } = splitWord(rest);
    switch (verb.toLowerCase()) {
      case 'bind': {
        const pool = await managed(context, word);
        if (pool === undefined) return;
        await pools.bind(pool, wholeOf(context.chat));
        // For everybody: it is their words that the owner pays for.
        const { review } = pool.settings;
        const token = review ? await members.invite(pool, undefined) : undefined;
        context.answer(poolsText.bound(pool.name, token));
        return;
      }
      case 'unbind': {
        const owned = (await pools.ownedBy(context.userId)).map(({ id }) => id);
        const done = await pools.unbind(wholeOf(context.chat), owned);
        return tell(context, done ? poolsText.unbound() : poolsText.notBound());
      }
      case 'invite': {
        const pool = await ownPool(parts, context.userId, word);
        if (pool === undefined) return tell(context, poolsText.unknown());
        const token = await members.invite(pool, undefined);
        context.answer(poolsText.inviteHere(pool.name, token));
        return;
      }
      default:
        return tell(context, poolsText.inPrivate());
    }
  }

  return {
    name: 'pool',
    description: 'Share a key with others, each with a budget',
    // In groups it says nothing that is one person's alone, and what it says to all is for all.
    where: 'everywhere',

    async run(context) {
      if (context.chat.kind === 'group') return inGroup(context);
      const { word, rest } = splitWord(context.argument);
      if (word === '') return list(context);
      // A link into the chat names the invitation alone.
      if (TOKEN.test(word)) return verbs.get('join')?.(context, word);
      const verb = word.toLowerCase();
      if (verb === 'bind' || verb === 'unbind') return context.answer(poolsText.bindInGroup());
      const run = pressed.has(verb) ? undefined : verbs.get(verb);
      if (run !== undefined) return run(context, rest);
      return verbs.get('open')?.(context, word);
    },

    /** `pool:VERB-ID-REST`, or `pool:VERB-TOKEN`. Whose it is, the verbs look up themselves. */
    async press(context) {
      if (context.chat.kind === 'group') return;
      const match = /^([a-z]+)(?:-(.+))?$/.exec(context.argument);
      const [, verb = '', rest = ''] = match ?? [];
      if (TOKEN.test(rest)) return verbs.get(verb === 'join' ? 'yes' : verb)?.(context, rest);
      const row = /^(\d{1,15})(?:-(.*))?$/.exec(rest);
      const words = row === null ? '' : `#${row[1]} ${row[2] ?? ''}`;
      const run = verbs.get(verb);
      if (run === undefined) return list(context);
      await run(context, words.trim());
    },
  };
}
