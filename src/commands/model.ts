/** /model: shows and sets the model, from the live list that the user's key may use, or from their plan's. */

import { createHash } from 'node:crypto';
import type { Notice } from '../chat/platform.ts';
import type { Allowance } from '../funding/allowance.ts';
import type { CreditModels } from '../funding/credit-funding.ts';
import { type FundingParts, previewFunding } from '../funding/funding.ts';
import type { Prices } from '../funding/prices.ts';
import { VaultError } from '../keys/vault.ts';
import { providerEntry } from '../llm/catalogue.ts';
import { type ModelInfo, type Provider, ProviderError, type ProviderId } from '../llm/provider.ts';
import { type ModelSource, modelText } from '../text/model.ts';
import type { Command, CommandContext } from './command.ts';

const PAGE_SIZE = 8;
/** How long asking a provider for its models may take, in milliseconds. */
const LIST_TIMEOUT_MS = 10_000;

interface ModelList {
  readonly models: readonly ModelInfo[];
  /** `key`: the live list of what the key may use. */
  readonly from: ModelSource;
}

interface Choice {
  readonly provider: ProviderId;
  readonly current: string;
  readonly list: () => Promise<ModelList>;
}

export function createModel(
  parts: FundingParts & {
    readonly allowance: Pick<Allowance, 'models'>;
    readonly prices: Prices;
    readonly provider: (id: ProviderId) => Provider;
    /** What a credit of the user's lets them choose from. */
    readonly creditModels: (userId: number) => Promise<CreditModels | undefined>;
  },
): Command {
  /** What the user chooses from, or why there is nothing to choose. */
  async function choiceOf(userId: number): Promise<Choice | Notice> {
    const next = await previewFunding(parts, userId);
    if (next.kind === 'none') return modelText.keyCannotBeUsed();
    if (next.kind === 'own') {
      const { provider, model: current } = next;
      return { provider, current, list: () => modelsFor(userId, provider) };
    }
    const { provider } = next;
    const credit = await parts.creditModels(userId);
    if (credit !== undefined) return fixedChoice(provider, credit.model, credit.models, 'credit');
    const { current, models } = await parts.allowance.models(userId);
    return fixedChoice(provider, current, models, 'plan');
  }

  /** The live list; the catalogue's suggestions where the key may not list, or the provider fails. */
  async function modelsFor(userId: number, provider: ProviderId): Promise<ModelList> {
    const key = await parts.apiKeys.keyFor(userId, provider).catch((error: unknown) => {
      if (error instanceof VaultError) return undefined;
      throw error;
    });
    if (key === undefined) return { models: [], from: 'catalogue' };
    try {
      const signal = AbortSignal.timeout(LIST_TIMEOUT_MS);
      return { models: await parts.provider(provider).listModels(key.apiKey, signal), from: 'key' };
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      const suggested = providerEntry(provider).suggestedModels;
      return { models: suggested.map((id) => ({ id })), from: 'catalogue' };
    }
  }

  function page(
    provider: ProviderId,
    current: string,
    { models, from }: ModelList,
    number: number,
  ): Notice {
    const pages = Math.max(1, Math.ceil(models.length / PAGE_SIZE));
    const at = Math.min(Math.max(0, number), pages - 1);
    return modelText.choose({
      providerName: providerEntry(provider).name,
      current,
      from,
      page: at,
      pages,
      models: models.slice(at * PAGE_SIZE, (at + 1) * PAGE_SIZE).map((model) => ({
        id: model.id,
        action: `model:s-${digest(model.id)}`,
        price: parts.prices.priceOf(provider, model.id),
      })),
    });
  }

  async function set(
    context: CommandContext,
    provider: ProviderId,
    model: string,
  ): Promise<Notice> {
    await parts.apiKeys.chooseModel(context.userId, provider, model);
    return modelText.set(model, parts.prices.priceOf(provider, model));
  }

  return {
    name: 'model',
    description: 'Show and choose the model',
    where: 'direct',

    async run(context) {
      const next = await choiceOf(context.userId);
      if ('markdown' in next) {
        context.answer(next);
        return;
      }
      context.later(async () => {
        const list = await next.list();
        const wanted = context.argument.trim();
        const found = list.models.find((m) => m.id.toLowerCase() === wanted.toLowerCase());
        if (wanted === '') context.replace(page(next.provider, next.current, list, 0));
        else if (found !== undefined) context.replace(await set(context, next.provider, found.id));
        else {
          const like = list.models.filter((m) => m.id.toLowerCase().includes(wanted.toLowerCase()));
          context.replace(modelText.unknown(wanted, like.length > 0));
          const shown = like.length > 0 ? { ...list, models: like } : list;
          context.answer(page(next.provider, next.current, shown, 0));
        }
      });
    },

    async press(context) {
      const next = await choiceOf(context.userId);
      if ('markdown' in next) {
        context.replace(next);
        return;
      }
      context.later(async () => {
        const list = await next.list();
        const [verb, value = ''] = context.argument.split('-');
        if (verb === 'p') {
          context.replace(page(next.provider, next.current, list, Number(value) || 0));
          return;
        }
        const found = list.models.find((m) => digest(m.id) === value);
        if (found === undefined) context.replace(page(next.provider, next.current, list, 0));
        else context.replace(await set(context, next.provider, found.id));
      });
    },
  };
}

/** Between models that somebody else pays for. */
function fixedChoice(
  provider: ProviderId,
  current: string,
  models: readonly string[],
  from: ModelSource,
): Choice | Notice {
  if (provider === 'offline' || models.length < 2) {
    return modelText.house(current, provider === 'offline');
  }
  const list = { models: models.map((id) => ({ id })), from };
  return { provider, current, list: async () => list };
}

/** Names a model within the 64 bytes of a button's action. */
function digest(model: string): string {
  return createHash('sha256').update(model).digest('hex').slice(0, 24);
}
