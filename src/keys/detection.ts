/** Finds API keys in what people write. */

import type { RemoteProviderId } from '../llm/catalogue.ts';
import { Secret } from '../secret.ts';
import { type FoldedText, foldText } from './folded-text.ts';
import { KEY_FORMS, type KeyForm, type KeyOwner, looksRandom, NAMED_FORMS } from './key-forms.ts';

export type DetectedKey = KeyOwner & {
  /** UTF-16 offsets in the text; `end` is exclusive. */
  readonly start: number;
  readonly end: number;
  /** Without what was hidden in it (zero-width characters, percent-encoding). */
  readonly value: Secret;
};

/**
 * @returns the keys in the order in which they stand, without overlaps. Placeholders are none. The
 *   forms of DeepSeek (as `unknown`) and Mistral (not at all) have no prefix that names their maker.
 */
export function detectKeys(text: string): readonly DetectedKey[] {
  return scan(foldText(text), looksRandom);
}

export type Recognised =
  | { readonly result: 'key'; readonly provider: RemoteProviderId; readonly key: Secret }
  | { readonly result: 'refused'; readonly reason: 'admin-key' | 'login-token' }
  | { readonly result: 'unrecognised' };

/**
 * The key that somebody gave on purpose. It is of the provider that its own prefix tells, which may
 * be another than `chosen`: so that no key is sent to a provider that is not its own.
 * @param chosen the provider that they named, for keys without such a prefix
 */
export function recognise(text: string, chosen?: RemoteProviderId): Recognised {
  const folded = foldText(text);
  // Whoever gives a key on purpose is told by the provider, not by its look, that it is none.
  const found = scan(folded, () => true);
  for (const { kind } of found) {
    if (kind === 'refused-admin') return { result: 'refused', reason: 'admin-key' };
    if (kind === 'refused-login') return { result: 'refused', reason: 'login-token' };
  }
  const usable = found.filter((key) => key.kind === 'usable');
  const best = usable.find((key) => key.provider === chosen) ?? usable[0];
  if (best !== undefined) return { result: 'key', provider: best.provider, key: best.value };

  const form = chosen === undefined ? undefined : NAMED_FORMS[chosen];
  if (chosen === undefined || form === undefined) return { result: 'unrecognised' };
  for (const [word] of folded.text.matchAll(/[\w-]+/g)) {
    if (form.test(word)) return { result: 'key', provider: chosen, key: new Secret(word) };
  }
  return { result: 'unrecognised' };
}

/** What stands in a scrubbed text instead of a key. */
export const SCRUBBED = '[key removed]';

/** Of anything with the beginning of a key, of masked echoes (`sk-ab****wxyz`), and of tokens. */
const LOOSE_FORMS: readonly RegExp[] = [
  /(?<![A-Za-z0-9])(?:sk-|gsk_|xai-|pplx-|hf_|AIza|AQ\.|r8_|nvapi-|csk-|gh[pousr]_|github_pat_)[\w-]{16,}/g,
  /(?<=\\[nrt])(?:sk-|gsk_|xai-|AIza|AQ\.)[\w-]{16,}/g,
  /(?<![A-Za-z0-9])(?:sk-|gsk_|xai-|AIza)[\w-]{0,40}(?:\.{3,}|…)\w{2,8}/g,
  /(?<![*•])[*•]{4,}[\w-]{2,}/g,
  /(?<![A-Za-z])[Bb]earer\s{1,4}[\w.~+/-]{16,}/g,
  // Tokens of bots on Telegram and Discord.
  /(?<!\d)\d{8,10}:[\w-]{35}/g,
  /(?<![\w-])[A-Za-z0-9][\w-]{22,27}\.[\w-]{6}\.[\w-]{27,40}/g,
];

/** The text without anything that looks like a key: removes rather too much, for logs and quotes. */
export function scrub(text: string): string {
  const folded = foldText(text);
  const spans = scan(folded, () => true).map(({ start, end }) => ({ start, end }));
  for (const form of LOOSE_FORMS) {
    for (const { 0: match, index } of folded.text.matchAll(form)) {
      let from = index;
      // A mask belongs to what stands before it; written into the pattern, this would be quadratic.
      if (/^[*•]/.test(match)) while (from > 0 && isWordAt(folded.text, from - 1)) from -= 1;
      spans.push({ start: folded.startOf(from), end: folded.endOf(index + match.length - 1) });
    }
  }
  spans.sort((a, b) => a.start - b.start);
  const pieces: string[] = [];
  let done = 0;
  for (const { start, end } of spans) {
    if (end <= done) continue;
    if (start >= done) pieces.push(text.slice(done, start), SCRUBBED);
    done = end;
  }
  return pieces.join('') + text.slice(done);
}

const FORMS_BY_START = Map.groupBy(KEY_FORMS, ({ prefix }) => prefix.slice(0, 3));
/** Looks ahead only, so that no beginning hides another (`csk-…` and the `sk-…` in it). */
const STARTS = new RegExp(
  `(?=(${[...FORMS_BY_START.keys()].map((start) => start.replace('.', '\\.')).join('|')}))`,
  'g',
);

/** One pass: at each possible beginning, a bounded look ahead. */
function scan(folded: FoldedText, isRealTail: (tail: string) => boolean): DetectedKey[] {
  const { text } = folded;
  const found: DetectedKey[] = [];
  let done = 0;
  for (const { 1: start = '', index } of text.matchAll(STARTS)) {
    if (index < done) continue;
    for (const form of FORMS_BY_START.get(start) ?? []) {
      const tail = tailAt(text, index, form);
      if (tail === undefined || !isRealTail(tail)) continue;
      const value = form.prefix + tail;
      done = index + value.length;
      found.push({
        ...form.owner,
        start: folded.startOf(index),
        end: folded.endOf(done - 1),
        value: new Secret(value),
      });
      break;
    }
  }
  return found;
}

function tailAt(text: string, index: number, { prefix, tail, after }: KeyForm): string | undefined {
  if (!text.startsWith(prefix, index)) return undefined;
  if (after !== 'anything' && !mayBegin(text, index, after === 'word-start')) return undefined;
  tail.lastIndex = index + prefix.length;
  const match = tail.exec(text)?.[0];
  // `_sk-…_` is a key in Markdown's italics.
  return text[index - 1] === '_' ? match?.replace(/_+$/, '') : match;
}

function mayBegin(text: string, index: number, wordStart: boolean): boolean {
  let before = index - 1;
  if (wordStart) while (before > index - 4 && /[_*~]/.test(text[before] ?? '')) before -= 1;
  const character = text[before] ?? '';
  // `\n`, `\r` and `\t` in JSON and source are no letters.
  if (/[nrt]/.test(character) && text[before - 1] === '\\') return true;
  return !(wordStart ? /[\w-]/ : /[A-Za-z0-9]/).test(character);
}

function isWordAt(text: string, index: number): boolean {
  return /[\w-]/.test(text[index] ?? '');
}
