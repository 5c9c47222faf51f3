/**
 * What the keys of providers look like. From the providers' pages and secret scanners' rules;
 * a little looser than these, since a key that was cut short is as bad to show as a whole one.
 */

import type { RemoteProviderId } from '../llm/catalogue.ts';

/** Services whose keys Latchkey knows but can't use; `unknown`: an `sk-…` of no known maker. */
export type ForeignProvider =
  | 'huggingface'
  | 'perplexity'
  | 'replicate'
  | 'nvidia'
  | 'cerebras'
  | 'together'
  | 'github'
  | 'unknown';

export type KeyOwner =
  | { readonly kind: 'usable'; readonly provider: RemoteProviderId }
  /** Manages a whole account. */
  | { readonly kind: 'refused-admin'; readonly provider: RemoteProviderId }
  /** Belongs to a vendor's own app. */
  | { readonly kind: 'refused-login'; readonly provider: RemoteProviderId }
  | { readonly kind: 'foreign'; readonly provider: ForeignProvider };

export interface KeyForm {
  /** The fixed beginning, and what may follow it. */
  readonly prefix: string;
  /** Sticky, and bounded in length: what a scan costs must not depend on what it finds. */
  readonly tail: RegExp;
  readonly owner: KeyOwner;
  /**
   * What may stand before it. `word-start`: nothing of a word or hyphen; `no-letter` (the default):
   * no letter or digit; `anything`: the prefix is too long to occur by chance.
   */
  readonly after?: 'word-start' | 'no-letter' | 'anything';
  /** See {@link looksRandom}; where it is absent, enough to tell a key from a compound of words. */
  readonly leastChanges?: number;
}

/** Up to the most characters that a key may have; a longer run is cut there. */
const LOOSE = /[\w-]{20,512}/y;

type Row = readonly [
  prefix: string,
  tail: RegExp,
  owner: KeyOwner,
  after?: KeyForm['after'],
  leastChanges?: number,
];

/**
 * Forms of letters and digits alone, long and without a hyphen, can't be a compound of words: chance
 * makes one in 30,000 of them as even as one (drawn from 36 characters), and those are keys as well.
 */
const FEW = 2;
/** Of lower case and digits: a single digit is enough. */
const ONE = 1;

const usable = (provider: RemoteProviderId): KeyOwner => ({ kind: 'usable', provider });
const admin = (provider: RemoteProviderId): KeyOwner => ({ kind: 'refused-admin', provider });
const login = (provider: RemoteProviderId): KeyOwner => ({ kind: 'refused-login', provider });
const foreign = (provider: ForeignProvider): KeyOwner => ({ kind: 'foreign', provider });

/** The first row whose prefix and tail fit is the one, so longer prefixes come first. */
const ROWS: readonly Row[] = [
  ['sk-ant-admin', LOOSE, admin('anthropic'), 'anything'],
  // Access and refresh tokens and session cookies of the vendor's own apps.
  ['sk-ant-oat', LOOSE, login('anthropic'), 'anything'],
  ['sk-ant-ort', LOOSE, login('anthropic'), 'anything'],
  ['sk-ant-sid', LOOSE, login('anthropic'), 'anything'],
  ['sk-ant-', LOOSE, usable('anthropic'), 'anything'],
  ['sk-admin-', LOOSE, admin('openai')],
  ['sk-proj-', LOOSE, usable('openai'), 'anything'],
  ['sk-svcacct-', LOOSE, usable('openai'), 'anything'],
  ['sk-service-', LOOSE, usable('openai')],
  ['sk-None-', LOOSE, usable('openai')],
  ['sk-or-v1-', /[0-9a-f]{32,64}/y, usable('openrouter'), 'anything'],
  // OpenAI's older form has a mark in the middle ("OpenAI" in base64).
  ['sk-', /[\w-]{0,60}?T3BlbkFJ[\w-]{10,100}/y, usable('openai'), 'anything'],
  ['sk-', LOOSE, foreign('unknown'), 'word-start'],
  ['gsk_', /[A-Za-z0-9]{40,60}/y, usable('groq'), 'no-letter', FEW],
  ['AIza', /[\w-]{35}(?![A-Za-z0-9])/y, usable('gemini')],
  ['AQ.', /[\w-]{40,512}/y, usable('gemini')],
  ['xai-', /\w{60,120}/y, usable('xai')],
  ['hf_', /[A-Za-z0-9]{30,40}/y, foreign('huggingface'), 'no-letter', FEW],
  ['pplx-', /[A-Za-z0-9]{40,60}/y, foreign('perplexity'), 'no-letter', FEW],
  ['r8_', /[A-Za-z0-9]{30,40}/y, foreign('replicate'), 'no-letter', FEW],
  ['nvapi-', /[\w-]{50,120}/y, foreign('nvidia')],
  ['csk-', /[a-z0-9]{40,60}/y, foreign('cerebras'), 'no-letter', ONE],
  ['tgp_v1_', /[\w-]{40,80}/y, foreign('together')],
  ['github_pat_', /\w{60,100}/y, foreign('github')],
  ['ghp_', /[A-Za-z0-9]{36}/y, foreign('github'), 'no-letter', FEW],
  ['gho_', /[A-Za-z0-9]{36}/y, foreign('github'), 'no-letter', FEW],
  ['ghu_', /[A-Za-z0-9]{36}/y, foreign('github'), 'no-letter', FEW],
  ['ghs_', /[A-Za-z0-9]{36}/y, foreign('github'), 'no-letter', FEW],
];

export const KEY_FORMS: readonly KeyForm[] = ROWS.map(([prefix, tail, owner, after, least]) => ({
  prefix,
  tail,
  owner,
  ...(after === undefined ? {} : { after }),
  ...(least === undefined ? {} : { leastChanges: least }),
}));

/** Forms without a prefix of their own: recognised only where the user has named the provider. */
export const NAMED_FORMS: Readonly<Partial<Record<RemoteProviderId, RegExp>>> = {
  openai: /^sk-[\w-]{17,509}$/,
  deepseek: /^sk-[\w-]{17,509}$/,
  mistral: /^[A-Za-z0-9]{32}$/,
};

/**
 * Whether this was drawn at random, and is no placeholder (`xxxx…`, `your-key-here`, `1234567890`)
 * and no compound of words (`estimator-html-repr-fallback`). Judged by how often neighbours change
 * between lower case, upper case and digits: in random text at two pairs of five, in words seldom.
 * @param leastChanges so many are enough, for a form that words can't take
 */
export function looksRandom(tail: string, leastChanges?: number): boolean {
  const length = Math.min(tail.length, 128);
  let changes = 0;
  let inOrder = 0;
  let before = -1;
  for (let i = 0; i < length; i += 1) {
    const code = tail.charCodeAt(i);
    const [was, is] = [classOf(before), classOf(code)];
    if (was !== 0 && is !== 0 && was !== is) changes += 1;
    if (code === before || code === before + 1) inOrder += 1;
    before = code;
  }
  return changes >= (leastChanges ?? Math.max(5, length / 8)) && inOrder < length * 0.4;
}

/** Whether a piece of a key that was broken may be one: letters and digits, or both cases, mixed. */
export function looksMixed(piece: string): boolean {
  let changes = 0;
  for (let i = 1; i < piece.length; i += 1) {
    const [was, is] = [classOf(piece.charCodeAt(i - 1)), classOf(piece.charCodeAt(i))];
    if (was !== 0 && is !== 0 && was !== is) changes += 1;
  }
  return changes >= Math.max(piece.length < 20 ? 3 : 2, piece.length / 16);
}

function classOf(code: number): 0 | 1 | 2 | 3 {
  if (code >= 48 && code <= 57) return 1;
  if (code >= 65 && code <= 90) return 2;
  return code >= 97 && code <= 122 ? 3 : 0;
}
