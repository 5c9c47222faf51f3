/** What /model offers while its argument is typed. */

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createIdentities } from '../../src/chat/identities.ts';
import { createModelChoice } from '../../src/commands/model-choice.ts';
import {
  createModelSuggestions,
  type SuggestModels,
} from '../../src/commands/model-suggestions.ts';
import { createOwnFunding } from '../../src/funding/own-funding.ts';
import { createPayers } from '../../src/funding/payers.ts';
import { createPrices } from '../../src/funding/prices.ts';
import { type ApiKeys, createApiKeys } from '../../src/keys/api-keys.ts';
import { createAudit } from '../../src/keys/audit.ts';
import { createVault } from '../../src/keys/vault.ts';
import { createProviders } from '../../src/llm/providers.ts';
import { Secret } from '../../src/secret.ts';
import { type FakeServer, startFakeServer } from '../fakes/http.ts';
import { type OpenAiSimulator, startOpenAiSimulator } from '../fakes/openai.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeRing } from '../support/key-ring.ts';

let database: TestDatabase;
let openai: OpenAiSimulator;
/** Takes requests and never answers. */
let silent: FakeServer;
let apiKeys: ApiKeys;
let clock: number;
let people = 0;
let who: string;

beforeAll(async () => {
  [database, openai, silent] = await Promise.all([
    createTestDatabase(),
    startOpenAiSimulator(),
    startFakeServer(
      ({ gone }) => new Promise((resolve) => gone.addEventListener('abort', () => resolve())),
    ),
  ]);
  const ring = await makeRing();
  const vault = createVault({ db: database.db, ring });
  const providers = createProviders({ baseUrls: { openai: openai.url } });
  apiKeys = createApiKeys({
    db: database.db,
    vault,
    audit: createAudit({ db: database.db, ring }),
    providers,
  });
});
afterAll(() => Promise.all([database.close(), openai.close(), silent.close()]));
beforeEach(() => {
  clock = 0;
  people += 1;
  who = `person-${people}`;
});

function suggestions(baseUrl = openai.url): SuggestModels {
  const { db } = database;
  const ownLimit = { state: async () => [] };
  const choiceOf = createModelChoice({
    db,
    apiKeys,
    house: { provider: 'offline', model: 'parrot', apiKey: new Secret('offline') },
    payers: createPayers({ db, sources: [createOwnFunding({ db, apiKeys, ownLimit })] }),
    provider: createProviders({ baseUrls: { openai: baseUrl } }),
    allowance: { models: async () => ({ current: 'parrot', models: ['parrot'] }) },
    creditModels: async () => undefined,
    members: { of: async () => [], setModel: async () => false },
  });
  return createModelSuggestions({
    choiceOf,
    identities: createIdentities({ db }),
    prices: createPrices(),
    now: () => clock,
  });
}

async function bringKey(): Promise<string> {
  const key = openai.keys.add();
  const userId = await createIdentities({ db: database.db }).userOf('discord', who);
  await apiKeys.add(userId, 'openai', new Secret(key));
  return key;
}

const type = (suggest: SuggestModels, typed: string) =>
  suggest({ typed, sender: { platform: 'discord', platformUserId: who } });
const listings = () => openai.requests.filter(({ path }) => path.endsWith('/models')).length;

test('are the models that the key may use, with their prices', async () => {
  await bringKey();
  const offered = await type(suggestions(), ' GPT-5.4-M ');
  expect(offered.map(({ value }) => value)).toEqual(['gpt-5.4-mini']);
  expect(offered[0]?.label).toMatch(/^gpt-5\.4-mini · \$[\d.]+ in, \$[\d.]+ out$/);
  const all = await type(suggestions(), '');
  expect(all.map(({ value }) => value)).toContain('gpt-5.4');
  expect(all.map(({ value }) => value)).not.toContain('whisper-1');
});

test('are asked for once a minute, however fast somebody types', async () => {
  await bringKey();
  const suggest = suggestions();
  const before = listings();
  await Promise.all([...'gpt-5.4'].map((_, i) => type(suggest, 'gpt-5.4'.slice(0, i))));
  clock = 59_000;
  await type(suggest, 'gpt');
  expect(listings()).toBe(before + 1);
  clock = 61_000;
  await type(suggest, 'gpt');
  expect(listings()).toBe(before + 2);
});

test('are none without a key, and for a key that is refused, without an error', async () => {
  expect(await type(suggestions(), '')).toEqual([]);
  const key = await bringKey();
  openai.keys.set(key, 'revoked');
  expect(await type(suggestions(), '')).toEqual([]);
});

test('are none within two seconds where the provider is silent, even for 6,000 characters', async () => {
  await bringKey();
  const begun = performance.now();
  expect(await type(suggestions(silent.origin), 'x'.repeat(6_000))).toEqual([]);
  expect(performance.now() - begun).toBeLessThan(2_000);
  expect(silent.requests).toHaveLength(1);
});
