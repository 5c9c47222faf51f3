/** /model: shows and sets the model, from the live list that the user's key may use. */

import { createHash } from 'node:crypto';
import type { Notice } from '../chat/platform.ts';
import type { Database } from '../db/client.ts';
import { eq } from '../db/drizzle.ts';
import { users } from '../db/schema.ts';
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
    readonly db: Database;
    readonly prices: Prices;
    readonly provider: (id: ProviderId) => Provider;
    /** What a credit of the user's lets them choose from. */
    readonly creditModels: (userId: number) => Promise<CreditModels | undefined>;
  },
): Command {
  /** The live list; the catalogue's suggestions where the key may not list, or the provider fails. */
  async function modelsFor(userId: number, provider: ProviderId): Promise<ModelList> {
    const key = await parts.apiKeys.keyFor(userId, provider).catch((error: unknown) => {
      if (error instanceof VaultError) return undefined;
      throw error;
    });
    if (key === undefined) return { models: [], from: 'catalogue' };
    try {
      const signal = AbortSignal.timeout(LIST_TIMEOUT_MS);
      const models = await parts.provider(provider).listModels(key.apiKey, signal);
      return { models, from: 'key' };
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      const suggested = providerEntry(provider).suggestedModels;
      return { models: suggested.map((id) => ({ id })), from: 'catalogue' };
    }
  }

  /** What the user may choose from, or why there is nothing. */
  async function choiceOf(userId: number): Promise<Choice | Notice> {
    const next = await previewFunding(parts, userId);
    const { provider } = next;
    if (next.kind === 'own') {
      return { provider, current: next.model, list: () => modelsFor(userId, provider) };
    }
    const credit = next.kind === 'house' ? await parts.creditModels(userId) : undefined;
    if (credit === undefined || credit.models.length < 2) return notOwn(next, credit);
    const list: ModelList = { models: credit.models.map((id) => ({ id })), from: 'credit' };
    return { provider, current: credit.model, list: async () => list };
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
    await parts.db.update(users).set({ provider, model }).where(eq(users.id, context.userId));
    return modelText.set(model, parts.prices.priceOf(provider, model));
  }

  return {
    name: 'model',
    description: 'Show and choose the model',
    where: 'direct',

    async run(context) {
      const choice = await choiceOf(context.userId);
      if ('markdown' in choice) return context.answer(choice);
      const { provider, current } = choice;
      context.later(async () => {
        const list = await choice.list();
        const wanted = context.argument.trim();
        const found = list.models.find((m) => m.id.toLowerCase() === wanted.toLowerCase());
        if (wanted === '') context.replace(page(provider, current, list, 0));
        else if (found !== undefined) context.replace(await set(context, provider, found.id));
        else {
          const like = list.models.filter((m) => m.id.toLowerCase().includes(wanted.toLowerCase()));
          context.replace(modelText.unknown(wanted, like.length > 0, list.from));
          const shown = like.length > 0 ? { ...list, models: like } : list;
          context.answer(page(provider, current, shown, 0));
        }
      });
    },

    async press(context) {
      const choice = await choiceOf(context.userId);
      if ('markdown' in choice) return context.replace(choice);
      const { provider, current } = choice;
      context.later(async () => {
        const list = await choice.list();
        const [verb, value = ''] = context.argument.split('-');
        if (verb === 'p') {
          context.replace(page(provider, current, list, Number(value) || 0));
          return;
        }
        const found = list.models.find((m) => digest(m.id) === value);
        if (found === undefined) context.replace(page(provider, current, list, 0));
        else context.replace(await set(context, provider, found.id));
      });
    },
  };
}

/** Where there is nothing to choose. */
function notOwn(
  next: Awaited<ReturnType<typeof previewFunding>>,
  credit: CreditModels | undefined,
): Notice {
  if (next.kind === 'none') return modelText.keyCannotBeUsed();
  return modelText.house(credit?.model ?? next.model, next.provider === 'offline');
}

/** Names a model within the 64 bytes of a button's action. */
function digest(model: string): string {
  return createHash('sha256').update(model).digest('hex').slice(0, 24);
}
