/** /pool, as far as members are concerned: joining, choosing, leaving. */

import { scrub } from '../keys/detection.ts';
import { providerEntry } from '../llm/catalogue.ts';
import { endOf } from '../pools/pool-settings.ts';
import { poolsText } from '../text/pools.ts';
import type { CommandContext } from './command.ts';
import { identityOf } from './linked-notices.ts';
import { findByName, type PoolCommandParts, type PoolVerb, splitWord } from './pool-parts.ts';

export const TOKEN = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

export function poolMemberVerbs(parts: PoolCommandParts): Readonly<Record<string, PoolVerb>> {
  const { members } = parts;

  /** Asks first: a link can be anybody's. */
  async function ask(context: CommandContext, words: string): Promise<void> {
    const token = words.trim();
    const invitation = TOKEN.test(token) ? await members.invitation(token) : undefined;
    if (invitation === undefined) return context.answer(poolsText.over());
    const { pool, name } = invitation;
    if (pool.ownerId === context.userId) return context.answer(poolsText.own(pool.name));
    const called = (await members.nameOf(pool, name)) ?? scrub(context.sender.displayName);
    const shown = {
      ...pool,
      providerName: providerEntry(pool.provider).name,
      endsAt: endOf(pool.settings),
    };
    context.answer(poolsText.ask(token, shown, called));
  }

  const join =
    (review: boolean): PoolVerb =>
    async (context, token) => {
      if (!TOKEN.test(token)) return context.replace(poolsText.over());
      const displayName = scrub(context.sender.displayName);
      const who = { userId: context.userId, identity: identityOf(context), displayName };
      const joined = await members.join(who, token, { review });
      switch (joined.result) {
        case 'joined':
          return context.replace(poolsText.joined(joined.pool.name));
        case 'already':
          return context.replace(poolsText.already(joined.pool.name));
        case 'own':
          return context.replace(poolsText.own(joined.pool.name));
        case 'full':
          return context.replace(poolsText.full(joined.pool.name));
        case 'removed':
          return context.replace(poolsText.removedBefore(joined.pool.name));
        case 'over':
          return context.replace(poolsText.over());
        case 'changed':
          // What they were shown is no longer true: they are asked anew.
          return ask(context, token);
      }
    };

  const membershipOf = async (userId: number, word: string) =>
    findByName(await members.of(userId), ({ pool }) => pool, word);

  return {
    join: ask,
    yes: join(false),
    agree: join(true),
    declined: async (context) => context.replace(poolsText.declined()),

    async use(context, words) {
      const { word, rest } = splitWord(words);
      const found = await membershipOf(context.userId, word);
      if (found === undefined) return context.answer(poolsText.notIn());
      const { models } = found.pool.settings;
      const model = rest === '' ? (found.model ?? models[0]) : models.find((one) => one === rest);
      if (model === undefined) return context.answer(poolsText.noModel(models));
      if (rest !== '') await members.setModel(context.userId, found.pool.id, model);
      await members.choose(context.userId, found.pool.id);
      context.answer(poolsText.using(found.pool.name, model));
    },

    async leave(context, words) {
      const { word } = splitWord(words);
      const found = await membershipOf(context.userId, word);
      if (found === undefined) return context.answer(poolsText.notIn());
      await members.leave(context.userId, found.pool.id);
      context.answer(poolsText.left(found.pool.name));
    },
  };
}
