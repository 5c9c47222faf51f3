/** What a user may choose from with /model: the models of whoever pays for their next turn. */

import type { Allowance } from '../funding/allowance.ts';
import type { CreditModels } from '../funding/credit-funding.ts';
import { type Funding, type FundingParts, readOwnKeys } from '../funding/funding.ts';
import { type NextPayerParts, type NobodyPays, nextPayer } from '../funding/next-payer.ts';
import { VaultError } from '../keys/vault.ts';
import { defaultModel, providerEntry } from '../llm/catalogue.ts';
import { type ModelInfo, type Provider, ProviderError, type ProviderId } from '../llm/provider.ts';
import type { PoolMembers } from '../pools/members.ts';
import type { ModelSource, ToldPayer } from '../text/model.ts';

/** How long asking a provider for its models may take, in milliseconds. */
const LIST_TIMEOUT_MS = 10_000;

export interface ModelList {
  readonly models: readonly ModelInfo[];
  /** `key`: the live list of what the key may use. */
  readonly from: ModelSource;
}

export type ModelChoice =
  | {
      readonly result: 'several';
      readonly payer: ToldPayer;
      readonly provider: ProviderId;
      readonly current: string;
      /** Who pays before that, with one model. */
      readonly before?: { readonly payer: ToldPayer; readonly model: string };
      list(): Promise<ModelList>;
      choose(model: string): Promise<void>;
    }
  | {
      readonly result: 'one';
      readonly payer: ToldPayer;
      readonly provider: ProviderId;
      readonly model: string;
    }
  | { readonly result: 'none'; readonly reason: NobodyPays };

type Several = Extract<ModelChoice, { result: 'several' }>;

export interface ModelChoiceParts extends FundingParts, NextPayerParts {
  readonly allowance: Pick<Allowance, 'models'>;
  readonly provider: (id: ProviderId) => Provider;
  /** What a credit of the user's lets them choose from. */
  readonly creditModels: (userId: number) => Promise<CreditModels | undefined>;
  readonly members: Pick<PoolMembers, 'of' | 'setModel'>;
}

export function createModelChoice(
  parts: ModelChoiceParts,
): (userId: number) => Promise<ModelChoice> {
  /** The live list; the catalogue's suggestions where the key may not list, or the provider fails. */
  async function ownModels(userId: number, provider: ProviderId): Promise<ModelList> {
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

  const ofOwn = (userId: number, provider: ProviderId, current: string): Several => ({
    result: 'several',
    payer: { kind: 'own' },
    provider,
    current,
    list: () => ownModels(userId, provider),
    choose: async (model) => void (await parts.apiKeys.chooseModel(userId, provider, model)),
  });

  /** Of what somebody else pays for. */
  async function allowed(
    userId: number,
    { kind, id, model }: Funding,
  ): Promise<Omit<ModelList, 'models'> & { readonly models: readonly string[] }> {
    if (kind === 'credit') {
      return { from: 'credit', models: (await parts.creditModels(userId))?.models ?? [model] };
    }
    if (kind === 'pool') {
      const found = (await parts.members.of(userId)).find(({ pool }) => pool.id === id);
      return { from: 'pool', models: found?.pool.settings.models ?? [model] };
    }
    return { from: 'plan', models: (await parts.allowance.models(userId)).models };
  }

  return async (userId) => {
    const next = await nextPayer(parts, userId);
    if (!next.pays) return { result: 'none', reason: next.reason };
    const { funding } = next;
    const { kind, id, name, provider, model } = funding;
    if (kind === 'own') return ofOwn(userId, provider, model);
    const payer: ToldPayer = { kind, ...(name === undefined ? {} : { name }) };
    const { models, from } = await allowed(userId, funding);
    if (provider !== 'offline' && models.length > 1) {
      return {
        result: 'several',
        payer,
        provider,
        current: model,
        list: async () => ({ models: models.map((one) => ({ id: one })), from }),
        choose: async (chosen) => {
          if (kind === 'pool' && id !== null) await parts.members.setModel(userId, id, chosen);
          else await parts.apiKeys.chooseModel(userId, provider, chosen);
        },
      };
    }
    // Their own key comes later: its model is theirs to choose already.
    const { answering, chosen } = await readOwnKeys(parts, userId);
    if (answering === undefined) return { result: 'one', payer, provider, model };
    const own = answering.provider === chosen.provider ? chosen.model : null;
    return {
      ...ofOwn(userId, answering.provider, own ?? defaultModel(answering.provider)),
      before: { payer, model },
    };
  };
}
