import fc from 'fast-check';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, test } from 'vitest';
import { boundTokens, contextWindow, estimateTokens } from '../../src/llm/tokens.ts';

const exact = (text: string): number => countTokens(text, { disallowedSpecial: new Set() });

const ENGLISH =
  'The quick brown fox jumps over the lazy dog, and nobody in the village was surprised by it. When people ask how the program works, they usually want to know what happens between the moment at which a message arrives and the moment at which its answer is shown. ';
const CODE = `export async function readContext(parts: Parts, request: ContextRequest): Promise<Window> {
  const rows = await parts.db.select({ userId: turns.userId }).from(turns).limit(40);
  for (const [i, row] of rows.entries()) {
    if (row.answer === null) continue; // nothing was said
    total += count(row.question) + count(row.answer);
  }
  return { messages, tokens: total };
}
`;
const CHINESE =
  '人工智能正在改变我们的生活方式。请解释一下这段代码为什么会在第三行抛出异常,以及如何修复它。';
const RUSSIAN =
  'Почему эта функция возвращает неправильный результат, когда список пуст? Объясни, пожалуйста.';

/** Evenly random, and long enough that single odd characters do not decide. */
function textOf(unit: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const units = fc.array(fc.noBias(unit), { minLength: 100, maxLength: 300 });
  return fc.noShrink(fc.noBias(units)).map((parts) => parts.join(''));
}

function range(first: number, last: number): fc.Arbitrary<string> {
  return fc.integer({ min: first, max: last }).map((code) => String.fromCodePoint(code));
}

const oneOf = (characters: string): fc.Arbitrary<string> => fc.constantFrom(...characters);
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const BASE64 = `${LOWER}${LOWER.toUpperCase()}0123456789+/`;

describe('the upper estimate of tokens', () => {
  test.each([
    ['random lower case letters', oneOf(LOWER)],
    ['random words', fc.stringMatching(/^[a-z]{1,9} $/)],
    ['mixed case', oneOf(LOWER + LOWER.toUpperCase())],
    ['base64', oneOf(BASE64)],
    ['hexadecimal', oneOf('0123456789abcdef')],
    ['digits and spaces', oneOf('0123456789 ')],
    ['punctuation', oneOf('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~')],
    ['white space', oneOf(' \t\n\r')],
    ['any ASCII', range(0x20, 0x7e)],
    ['Cyrillic', range(0x410, 0x44f)],
    ['Greek', range(0x391, 0x3c9)],
    ['Hebrew', range(0x5d0, 0x5ea)],
    ['Arabic', range(0x621, 0x64a)],
    ['accented Latin', range(0xc0, 0x17f)],
    ['Devanagari', range(0x905, 0x939)],
    ['Thai', range(0xe01, 0xe3a)],
    ['kana', range(0x3041, 0x30fa)],
    ['Chinese', range(0x4e00, 0x9fff)],
    ['Korean', range(0xac00, 0xd7a3)],
    ['full width', range(0xff01, 0xff5e)],
    ['symbols', range(0x2190, 0x27bf)],
    ['emoji', range(0x1f300, 0x1f9ff)],
    ['joined emoji', fc.constantFrom('👩‍💻', '👨‍👩‍👧‍👦', '🏳️‍🌈', '👋🏽', '❤️')],
    ['any character', range(0xa0, 0xd7ff)],
    ['beyond the first plane', range(0x10000, 0x1ffff)],
    ['private use', range(0xe000, 0xf8ff)],
  ])('is not below the tokens of %s', (_name, unit) => {
    fc.assert(
      fc.property(textOf(unit), (text) => {
        expect(boundTokens(text)).toBeGreaterThanOrEqual(exact(text));
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ['English', ENGLISH.repeat(8), 2.9],
    ['code', CODE.repeat(8), 2.6],
    ['Chinese', CHINESE.repeat(20), 3.5],
    ['Russian', RUSSIAN.repeat(20), 5.5],
  ])('of %s is above the tokens, and not by much', (_name, text, most) => {
    const ratio = boundTokens(text) / exact(text);
    expect(ratio).toBeGreaterThanOrEqual(1);
    expect(ratio).toBeLessThan(most);
    expect(estimateTokens(text) / exact(text)).toBeGreaterThanOrEqual(1);
    expect(estimateTokens(text) / exact(text)).toBeLessThan(2.1);
  });

  test('is a whole number, and nothing for nothing', () => {
    expect(boundTokens('')).toBe(0);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(Number.isSafeInteger(boundTokens(text))).toBe(true);
      }),
    );
  });

  test('takes broken surrogates', () => {
    expect(boundTokens('a\ud83d b \udc00')).toBeGreaterThan(4);
  });

  test('is quick for what is slow to tokenize', () => {
    const before = performance.now();
    expect(boundTokens('x'.repeat(1_000_000))).toBeGreaterThan(125_000);
    expect(performance.now() - before).toBeLessThan(1_000);
  });
});

test('context windows are known, or a cautious guess', () => {
  expect(contextWindow('anthropic', 'claude-haiku-4-5')).toBe(200_000);
  expect(contextWindow('openai', 'gpt-5.4-mini')).toBe(400_000);
  expect(contextWindow('openrouter', 'nobody/knows-this')).toBe(32_000);
  expect(contextWindow('offline', 'parrot')).toBeGreaterThan(8_000);
});
