import { expect, test } from 'vitest';
import { concludeTurn } from '../../src/conversation/turn-result.ts';
import { createPrices } from '../../src/funding/prices.ts';
import type { Usage } from '../../src/llm/provider.ts';

const prices = createPrices({ overrides: { 'openai/m': { input: 1, output: 10 } } });
const price = prices.priceOf('openai', 'm');

/** An answer of 100 bytes, of which 5,000 micros at most were set aside. */
function concluded(usage: Usage | undefined) {
  return concludeTurn({
    streamed: { text: 'x'.repeat(100), ending: { type: 'end', reason: 'complete' }, usage },
    aborted: undefined,
    paidBy: 'house',
    costMicros: (used) => (price === undefined ? 0 : prices.costMicros(price, used)),
    priceAssumed: false,
    reservedMicros: 5_000,
    estimatedInput: 400,
    clamped: false,
  });
}

const said = (inputTokens: number, outputTokens: number): Usage => ({
  inputTokens,
  outputTokens,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
});

test('a provider that counts is believed', () => {
  expect(concluded(said(300, 20)).costMicros).toBe(300 + 200);
});

test.each([
  ['nothing', undefined],
  ['less than nothing', said(-1, -1_000_000)],
  ['no number', said(Number.NaN, Number.NaN)],
  ['infinity', said(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)],
])('a provider that says %s is estimated from above', (_what, usage) => {
  expect(concluded(usage)).toMatchObject({
    costMicros: 400 + 500,
    usage: { inputTokens: 400, outputTokens: 50 },
  });
});

test('a provider that claims more than was possible costs what was set aside, and no more', () => {
  const { costMicros, usage } = concluded(said(1e300, 1e300));
  expect(costMicros).toBe(5_000);
  expect(Number.isSafeInteger(usage?.inputTokens)).toBe(true);
});
