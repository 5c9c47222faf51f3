/** /model: shows and sets the model, from what whoever pays for the user's next turn lets them choose. */

import { createHash } from 'node:crypto';
import type { Notice } from '../chat/platform.ts';
import type { Prices } from '../funding/prices.ts';
import { providerEntry } from '../llm/catalogue.ts';
import { modelText } from '../text/model.ts';
import type { Command } from './command.ts';
import type { ModelChoice, ModelList } from './model-choice.ts';

const PAGE_SIZE = 8;

type Several = Extract<ModelChoice, { result: 'several' }>;

export function createModel({
  choiceOf,
  prices,
}: {
  readonly choiceOf: (userId: number) => Promise<ModelChoice>;
  readonly prices: Prices;
}): Command {
  function page(
    { provider, current, payer, before }: Several,
    { models, from }: ModelList,
    number: number,
  ): Notice {
    const pages = Math.max(1, Math.ceil(models.length / PAGE_SIZE));
    const at = Math.min(Math.max(0, number), pages - 1);
    return modelText.choose({
      providerName: providerEntry(provider).name,
      payer,
      current,
      before,
      from,
      page: at,
      pages,
      models: models.slice(at * PAGE_SIZE, (at + 1) * PAGE_SIZE).map((model) => ({
        id: model.id,
        action: `model:s-${digest(model.id)}`,
        price: prices.priceOf(provider, model.id),
      })),
    });
  }

  async function set({ provider, choose }: Several, model: string): Promise<Notice> {
    await choose(model);
    return modelText.set(model, prices.priceOf(provider, model));
  }

  /** Why there is nothing to choose. */
  function nothing(next: Exclude<ModelChoice, Several>): Notice {
    return next.result === 'none'
      ? modelText.nobody(next.reason)
      : modelText.only(next.payer, next.model, next.provider === 'offline');
  }

  return {
    name: 'model',
    description: 'Show and choose the model',
    where: 'direct',

    async run(context) {
      const next = await choiceOf(context.userId);
      if (next.result !== 'several') {
        context.answer(nothing(next));
        return;
      }
      context.later(async () => {
        const list = await next.list();
        const wanted = context.argument.trim();
        const found = list.models.find((m) => m.id.toLowerCase() === wanted.toLowerCase());
        if (wanted === '') context.replace(page(next, list, 0));
        else if (found !== undefined) context.replace(await set(next, found.id));
        else {
          const like = list.models.filter((m) => m.id.toLowerCase().includes(wanted.toLowerCase()));
          context.replace(modelText.unknown(wanted, like.length > 0));
          const shown = like.length > 0 ? { ...list, models: like } : list;
          context.answer(page(next, shown, 0));
        }
      });
    },

    async press(context) {
      const next = await choiceOf(context.userId);
      if (next.result !== 'several') {
        context.replace(nothing(next));
        return;
      }
      context.later(async () => {
        const list = await next.list();
        const [verb, value = ''] = context.argument.split('-');
        if (verb === 'p') {
          context.replace(page(next, list, Number(value) || 0));
          return;
        }
        const found = list.models.find((m) => digest(m.id) === value);
        context.replace(found === undefined ? page(next, list, 0) : await set(next, found.id));
      });
    },
  };
}

/** Names a model within the 64 bytes of a button's action. */
function digest(model: string): string {
  return createHash('sha256').update(model).digest('hex').slice(0, 24);
}
