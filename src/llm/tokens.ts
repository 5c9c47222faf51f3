/** How many tokens a text may have, and how many a model takes. */

import { providerEntry } from './catalogue.ts';
import { modelData } from './model-data.ts';
import type { ProviderId } from './provider.ts';

/**
 * The most that one image counts for, in tokens. OpenAI's tiles and patches and Anthropic's
 * pixels / 750 stay below 1,600 for images as chat platforms scale them; small OpenAI models
 * multiply by up to 2.5.
 */
export const IMAGE_TOKENS = 4_000;

/** The offline provider takes what anybody may send. */
const OFFLINE_WINDOW = 32_000;

/** How many tokens input and output of a model may have together; a cautious guess for unknown ones. */
export function contextWindow(provider: ProviderId, model: string): number {
  if (provider === 'offline') return OFFLINE_WINDOW;
  const known = modelData(provider, model, new Date())?.contextWindow;
  return known ?? providerEntry(provider).contextWindow;
}

/**
 * An estimate from above, for money: what is reserved by it covers what is used. The exact tokenizer
 * of OpenAI's models (gpt-tokenizer, o200k_base) takes 77 MB of memory, 0.2 s to load, and seven
 * seconds for 100 kB of one letter, which a user may well send. Measured against
 * o200k_base it is 2.7 times the tokens of English prose, 2.4 of code, 3.3 of Chinese, 5 of
 * Russian, and still not below those of random letters of any case and script, base64, digits or
 * emoji (`test/llm/tokens.test.ts`). The margin also covers tokenizers that make more tokens of
 * the same text. For how much of a conversation fits, {@link estimateTokens} is nearer.
 */
export function boundTokens(text: string): number {
  if (text === '') return 0;
  let sum = 2;
  let at = 0;
  while (at < text.length) {
    const code = text.codePointAt(at) ?? 0;
    if (code >= 0x80) {
      sum += weightOf(code);
      at += code > 0xffff ? 2 : 1;
      continue;
    }
    const end = endOfRun(text, at, code);
    sum += asciiWeight(code, end - at, text.charCodeAt(end));
    at = end;
  }
  return Math.ceil(sum);
}

/**
 * About what ordinary text comes to, mostly a third above o200k_base: for the choice of
 * what is worth sending. Not for money: odd text may have twice as many.
 */
export function estimateTokens(text: string): number {
  let sum = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    sum += code < 0x80 ? 0.33 : code < 0x800 ? 0.42 : 1.1;
  }
  return Math.ceil(sum);
}

const SPACE = 0x20;

function isLower(code: number): boolean {
  return code >= 0x61 && code <= 0x7a;
}

function isUpper(code: number): boolean {
  return code >= 0x41 && code <= 0x5a;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** A word (`Word`, `WORD`, `word`; `camelCase` is two), or the same character repeated. */
function endOfRun(text: string, start: number, code: number): number {
  let end = start + 1;
  if (isLower(code) || isUpper(code)) {
    while (isUpper(text.charCodeAt(end - 1)) && isUpper(text.charCodeAt(end))) end++;
    while (isLower(text.charCodeAt(end))) end++;
    return end;
  }
  while (text.charCodeAt(end) === code) end++;
  return end;
}

function asciiWeight(code: number, length: number, next: number): number {
  if (isLower(code) || isUpper(code)) {
    // Nobody's vocabulary has words as long as this: letters without a sense.
    if (length > 16) return 0.75 * length;
    return isUpper(code) ? 1 + 0.6 * (length - 1) : 1 + 0.5 * (length - 1);
  }
  // Some tokenizers make a token of every digit.
  if (isDigit(code)) return length;
  // A space goes with the word after it.
  if (code === SPACE && length === 1) return isDigit(next) || next >= 0x80 ? 1 : 0.2;
  return length < 4 ? length * 0.9 : 1 + length / 4;
}

/** [first, last, tokens a character]: averages of random text in o200k_base, with a margin. */
const WEIGHTS: readonly (readonly [number, number, number])[] = [
  [0x80, 0x24f, 1.6], // Latin
  [0x370, 0x3ff, 1.2], // Greek
  [0x400, 0x45f, 1.1], // Cyrillic
  [0x5d0, 0x5ea, 1], // Hebrew
  [0x620, 0x64a, 1.2], // Arabic
  [0x66e, 0x7ff, 2],
  [0x900, 0x97f, 1.5], // Devanagari
  [0xe00, 0xe7f, 1.4], // Thai
  [0x2010, 0x203a, 1.7], // punctuation
  [0x3000, 0x303f, 1.7], // CJK punctuation
  [0x3040, 0x30ff, 1.4], // kana
  [0x4e00, 0x9fff, 2.2], // CJK
  [0xac00, 0xd7a3, 2.6], // Hangul
  [0xff01, 0xff5e, 1.8], // full width
];

function weightOf(code: number): number {
  for (const [first, last, weight] of WEIGHTS) {
    if (code < first) break;
    if (code <= last) return weight;
  }
  // No tokenizer makes more tokens of a character than it has bytes in UTF-8.
  return code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}
