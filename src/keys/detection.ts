/** Finds API keys in what people write. */

import type { RemoteProviderId } from '../llm/catalogue.ts';
import { Secret } from '../secret.ts';
import { type FoldedText, foldText, joinWords } from './folded-text.ts';
import {
  KEY_FORMS,
  type KeyForm,
  type KeyOwner,
  looksMixed,
  looksRandom,
  NAMED_FORMS,
} from './key-forms.ts';

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
  return find(foldText(text), isRandom);
}

type TailTest = (tail: string, form: KeyForm) => boolean;

const isRandom: TailTest = (tail, { leastChanges }) => looksRandom(tail, leastChanges);

/** Also finds what was broken so early that no line holds enough of it. */
function find(folded: FoldedText, isRealTail: TailTest): readonly DetectedKey[] {
  const found = scan(folded, isRealTail);
  if (!mayBeBroken(folded.text)) return found;
  // Of keys one below the other, each is a word.
  const joined = joinWords(folded, (index) => beginsKey(folded.text, index));
  if (joined === folded) return found;
  // Words run together look like many things: only what looks drawn at random counts here.
  const broken = scan(joined, (tail) => looksRandom(tail)).filter(
    ({ start, end, kind, provider }) =>
      !(kind === 'foreign' && provider === 'unknown') &&
      !found.some((whole) => whole.start < end && start < whole.end),
  );
  if (broken.length === 0) return found;
  return [...found, ...broken].sort((a, b) => a.start - b.start);
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
  const found = find(folded, () => true);
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
  let scrubbed = text;
  // What stood right behind something that is gone now begins a word, and may be a key by itself.
  for (let pass = 0; pass < MOST_PASSES; pass += 1) {
    const before = scrubbed;
    scrubbed = scrubOnce(before);
    if (scrubbed === before) return scrubbed;
  }
  // Nobody writes like that: what is left may be keys as well.
  return SCRUBBED;
}

const MOST_PASSES = 5;

function scrubOnce(text: string): string {
  const folded = foldText(text);
  const spans = find(folded, () => true).map(({ start, end }) => ({ start, end }));
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
/** The beginnings of keys, with a line break or space in them or without. */
const BROKEN_STARTS = new RegExp(
  [...FORMS_BY_START.keys()]
    .map((start) => [...start.replace('.', '')].join('\\s{0,9}[>|]?\\s{0,9}'))
    .join('|'),
  'g',
);

/** Whether a key may begin here that breaks in its first characters. */
function mayBeBroken(text: string): boolean {
  for (const { 0: start, index } of text.matchAll(BROKEN_STARTS)) {
    if (/\s/.test(start)) return true;
    SOON_BROKEN.lastIndex = index + start.length;
    if (SOON_BROKEN.test(text)) return true;
  }
  return false;
}

const SOON_BROKEN = /[\w.-]{0,100}\s/y;

/** Looks ahead only, so that no beginning hides another (`csk-…` and the `sk-…` in it). */
const STARTS = new RegExp(
  `(?=(${[...FORMS_BY_START.keys()].map((start) => start.replace('.', '\\.')).join('|')}))`,
  'g',
);

/** One pass: at each possible beginning, a bounded look ahead. */
function scan(folded: FoldedText, isRealTail: TailTest): DetectedKey[] {
  const { text } = folded;
  const found: DetectedKey[] = [];
  let done = 0;
  for (const { 1: start = '', index } of text.matchAll(STARTS)) {
    if (index < done) continue;
    for (const form of FORMS_BY_START.get(start) ?? []) {
      // Where a key has just ended another may begin, whatever its last letter.
      const tail = tailAt(text, index, form, index === done && found.length > 0);
      if (tail === undefined || !isRealTail(tail, form)) continue;
      const end = index + form.prefix.length + tail.length;
      const rest = restOf(text, end, form.prefix.length + tail.length);
      done = rest.end;
      found.push({
        ...form.owner,
        start: folded.startOf(index),
        end: folded.endOf(done - 1),
        value: new Secret(form.prefix + tail + rest.text),
      });
      break;
    }
  }
  return found;
}

/** The longest that a key may be: it is sent in an HTTP header. */
const MOST_KEY_LENGTH = 512;

/** What of a key stands on the following lines, or behind a space that a chat put into it. */
function restOf(text: string, from: number, length: number): { text: string; end: number } {
  const pieces: string[] = [];
  let end = from;
  let total = length;
  while (total < MOST_KEY_LENGTH) {
    CONTINUATION.lastIndex = end;
    const [whole = '', lineBreak, piece = ''] = CONTINUATION.exec(text) ?? [];
    // On the same line another word is likelier than a piece: it must be longer.
    const least = lineBreak === undefined ? 16 : 6;
    if (
      piece.length < least ||
      !looksMixed(piece) ||
      beginsKey(text, end + whole.length - piece.length)
    )
      break;
    pieces.push(piece);
    end += whole.length;
    total += piece.length;
  }
  return { text: pieces.join(''), end };
}

const CONTINUATION =
  /(?:[ \t]{0,8}(\r?\n)[ \t>|]{0,8}|[ \u00a0])([\w-]{1,512})(?![\w-])(?!\s{0,4}[=:(])/y;

function beginsKey(text: string, index: number): boolean {
  const forms = FORMS_BY_START.get(text.slice(index, index + 3)) ?? [];
  return forms.some(({ prefix }) => text.startsWith(prefix, index));
}

function tailAt(
  text: string,
  index: number,
  { prefix, tail, after }: KeyForm,
  isNext: boolean,
): string | undefined {
  if (!text.startsWith(prefix, index)) return undefined;
  if (!isNext && after !== 'anything' && !mayBegin(text, index, after === 'word-start'))
    return undefined;
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
