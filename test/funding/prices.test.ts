import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createPrices, type Price } from '../../src/funding/prices.ts';
import { readPricesFile } from '../../src/funding/prices-file.ts';
import type { Usage } from '../../src/llm/provider.ts';

const prices = createPrices();

function usage(
  inputTokens: number,
  outputTokens: number,
  cachedInputTokens = 0,
  cacheWriteTokens = 0,
): Usage {
  return { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens };
}

function known(provider: Parameters<typeof prices.priceOf>[0], model: string): Price {
  const price = prices.priceOf(provider, model);
  if (price === undefined) throw new Error(`${model} has no price`);
  return price;
}

describe('prices of models', () => {
  test('come from the bundled data, in micros a million tokens', () => {
    expect(known('anthropic', 'claude-haiku-4-5')).toEqual({
      input: 1_000_000,
      cachedInput: 100_000,
      cacheWrite: 1_250_000,
      output: 5_000_000,
      longInput: [],
    });
  });

  test.each([
    ['gemini', 'gemini-3.8-flash'],
    ['xai', 'grok-4.3'],
    ['groq', 'openai/gpt-oss-120b'],
    ['deepseek', 'deepseek-v4-flash'],
    ['mistral', 'mistral-large-latest'],
    ['openrouter', 'anthropic/claude-sonnet-5'],
  ] as const)('are known for %s too', (provider, model) => {
    expect(known(provider, model).output).toBeGreaterThan(0);
  });

  test('an unknown price is undefined, never zero', () => {
    expect(prices.priceOf('openai', 'gpt-99-unheard-of')).toBeUndefined();
    expect(prices.priceOf('anthropic', 'claude-haiku-5-5')).toBeUndefined();
    expect(prices.priceOf('openrouter', 'openai/gpt-oss-20b:free')).toBeUndefined();
  });

  test('the offline provider costs nothing', () => {
    expect(prices.costMicros(known('offline', 'parrot'), usage(1_000_000, 1_000_000))).toBe(0);
  });

  test('what the operator says holds', () => {
    const own = createPrices({
      overrides: { 'anthropic/claude-haiku-5-5': { input: 1.5, output: 7.25, cachedInput: 0.1 } },
    });
    expect(own.priceOf('anthropic', 'claude-haiku-5-5')).toEqual({
      input: 1_500_000,
      cachedInput: 100_000,
      cacheWrite: 1_500_000,
      output: 7_250_000,
      longInput: [],
    });
  });

  test('a negative override is refused', () => {
    const overrides = { 'openai/x': { input: -1, output: 1 } };
    expect(() => createPrices({ overrides })).toThrow(RangeError);
  });

  test('long inputs cost what their tier costs', () => {
    const price = known('anthropic', 'claude-sonnet-4-5');
    expect(prices.costMicros(price, usage(200_000, 1_000))).toBe(600_000 + 15_000);
    expect(prices.costMicros(price, usage(200_001, 1_000))).toBe(1_200_006 + 22_500);
  });
});

describe('what an answer costs', () => {
  const count = fc.integer({ min: 0, max: 2_000_000 });
  const wild = fc.oneof(count, fc.double(), fc.constantFrom(Number.NaN, Infinity, -5, 0.5));
  const rate = fc.integer({ min: 0, max: 100_000_000 });
  const rates = fc.record({ input: rate, cachedInput: rate, cacheWrite: rate, output: rate });
  const price = fc.record({
    input: rate,
    cachedInput: rate,
    cacheWrite: rate,
    output: rate,
    longInput: fc
      .array(rates, { maxLength: 1 })
      .map((list) => list.map((dear) => ({ ...dear, above: 200_000 }))),
  });

  test('cached and written input have rates of their own', () => {
    const haiku = known('anthropic', 'claude-haiku-4-5');
    // 1,000 plain, 2,000 cached, 4,000 written, 100 out
    expect(prices.costMicros(haiku, usage(7_000, 100, 2_000, 4_000))).toBe(
      1_000 + 200 + 5_000 + 500,
    );
  });

  test('is rounded up to a whole micro', () => {
    expect(prices.costMicros({ ...known('offline', ''), input: 1 }, usage(1, 0))).toBe(1);
  });

  test('is a whole number, never negative and never NaN', () => {
    fc.assert(
      fc.property(price, wild, wild, wild, wild, (p, a, b, c, d) => {
        const cost = prices.costMicros(p, usage(a, b, c, d));
        // Numbers of tokens that no provider counts leave the range in which doubles are whole.
        fc.pre([a, b].every((n) => !(n > 1e8)));
        expect(Number.isSafeInteger(cost)).toBe(true);
        expect(cost).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test('is never above what input and output cost apart, so that a reservation covers it', () => {
    fc.assert(
      fc.property(
        price,
        count,
        count,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (p, input, output, part) => {
          // As real prices are: reading from the cache is cheaper, and one tier only.
          const real = { ...p, cachedInput: Math.min(p.cachedInput, p.input), longInput: [] };
          const dearest = { ...real, cacheWrite: Math.max(real.cacheWrite, real.input) };
          const cached = Math.floor(input * part);
          const cost = prices.costMicros(dearest, usage(input, output, cached, input - cached));
          const reserved =
            prices.costMicros(dearest, usage(input, 0, 0, input)) +
            Math.ceil((output * dearest.output) / 1_000_000);
          expect(cost).toBeLessThanOrEqual(reserved);
        },
      ),
    );
  });

  test('grows with every count', () => {
    fc.assert(
      fc.property(rates, count, count, (p, input, output) => {
        const flat = { ...p, longInput: [] };
        const less = prices.costMicros(flat, usage(input, output));
        expect(prices.costMicros(flat, usage(input + 1, output + 1))).toBeGreaterThanOrEqual(less);
      }),
    );
  });
});

describe('PRICES_FILE', () => {
  async function read(content: string): ReturnType<typeof readPricesFile> {
    const folder = await mkdtemp(join(tmpdir(), 'prices-'));
    try {
      await writeFile(join(folder, 'prices.json'), content);
      return await readPricesFile(join(folder, 'prices.json'));
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  test('holds dollars a million tokens', async () => {
    const prices = { 'anthropic/claude-haiku-5-5': { input: 1, output: 5 } };
    expect(await read(JSON.stringify(prices))).toEqual(prices);
  });

  test.each([
    ['no JSON', '{'],
    ['no number', '{"openai/x": {"input": "1", "output": 1}}'],
    ['a negative price', '{"openai/x": {"input": -1, "output": 1}}'],
    ['no provider', '{"gpt": {"input": 1, "output": 1}}'],
    ['a refusal of one model', '{"openai/x": "refuse"}'],
  ])('that holds %s is one clear sentence', async (_why, content) => {
    await expect(read(content)).rejects.toThrow(/^PRICES_FILE/);
  });

  test('says what is assumed where no price is known, or that it is refused', async () => {
    const unknown = { input: 1, output: 2 };
    const overrides = await read(JSON.stringify({ unknown }));
    const assuming = createPrices({ overrides });
    expect(assuming.priceOf('openai', 'never-heard-of')).toBeUndefined();
    expect(assuming.priceFor('openai', 'never-heard-of')).toMatchObject({
      assumed: true,
      price: { input: 1_000_000, output: 2_000_000 },
    });
    expect(await read('{"unknown": "refuse"}')).toEqual({});
    expect(createPrices().priceFor('openai', 'never-heard-of')).toBeUndefined();
  });

  test('that is missing is one clear sentence', async () => {
    await expect(readPricesFile('/nowhere/prices.json')).rejects.toThrow(/^PRICES_FILE/);
  });
});
