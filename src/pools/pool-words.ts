/** What an owner writes of a pool: `algebra key=openai month=0.20 total=20`. */

import { DateTime, IANAZone } from 'luxon';
import { parseUsd } from '../funding/money.ts';
import { isProviderId, type RemoteProviderId } from '../llm/catalogue.ts';
import type { PoolRate, PoolSettings } from './pool-settings.ts';

/** A change of what is set; a zone is not in force at once. */
export interface PoolChange {
  readonly name?: string;
  readonly key?: RemoteProviderId;
  readonly zone?: string;
  readonly settings: Partial<Omit<PoolSettings, 'zone' | 'nextZone'>>;
}

export type PoolWords =
  | { readonly ok: true; readonly change: PoolChange; readonly rest: readonly string[] }
  /** The word that makes no sense, as it was written. */
  | { readonly ok: false; readonly word: string };

/** A pool is called by one word, so that it can stand before others. */
export const POOL_NAME = /^[\p{L}\p{N}][\p{L}\p{N}_-]{0,31}$/u;

const MODEL = /^[\w./:@-]{1,100}$/;
const MOST_MODELS = 20;
const MOST_PER_MINUTE = 1_000_000_000;

type Settings = PoolChange['settings'];
type Read = (value: string) => Settings | undefined;

/** Null: not limited. */
function readMoney(value: string): number | null | undefined {
  return isOff(value) ? null : parseUsd(value);
}

const rates =
  (set: (rate: PoolRate) => Settings): Read =>
  (value) => {
    const rate = readRate(value);
    return rate && set(rate);
  };

function count(value: string): number | undefined {
  const number = /^\d{1,10}$/.test(value) ? Number(value) : 0;
  return number > 0 && number <= MOST_PER_MINUTE ? number : undefined;
}

/** `10`, `gpt-a:20,gpt-b:5`, `10,gpt-a:20` or `off`. */
function readRate(value: string): PoolRate | undefined {
  if (isOff(value)) return { each: null, of: {} };
  let each: number | null = null;
  const of: Record<string, number> = {};
  for (const part of value.split(',')) {
    const match = /^(?:(.+):)?(\d+)$/.exec(part);
    const number = count(match?.[2] ?? '');
    if (match === null || number === undefined) return undefined;
    const model = match[1];
    if (model === undefined) each = number;
    else if (MODEL.test(model)) of[model] = number;
    else return undefined;
  }
  return { each, of };
}

const isOff = (value: string) => value.toLowerCase() === 'off';

const onOff = (value: string): boolean | undefined =>
  value === 'on' ? true : value === 'off' ? false : undefined;

function readModels(value: string): Settings | undefined {
  const models = value.split(',');
  const fit = models.length <= MOST_MODELS && models.every((model) => MODEL.test(model));
  return fit ? { models: [...new Set(models)] } : undefined;
}

/** What a member may spend in each window: those that are not named stay as they are. */
export type MemberMicros = PoolSettings['memberMicros'];

const READ: Readonly<Record<string, Read>> = {
  model: readModels,
  models: readModels,
  total: (value) => {
    const totalMicros = readMoney(value);
    return totalMicros === undefined ? undefined : { totalMicros };
  },
  requests: rates((memberRequestsPerMinute) => ({ memberRequestsPerMinute })),
  tokens: rates((memberTokensPerMinute) => ({ memberTokensPerMinute })),
  'requests-all': rates((requestsPerMinute) => ({ requestsPerMinute })),
  'tokens-all': rates((tokensPerMinute) => ({ tokensPerMinute })),
  ends: (value) => {
    if (value === 'off') return { lastDay: null };
    const isDate = /^2\d{3}-\d\d-\d\d$/.test(value) && DateTime.fromISO(value).isValid;
    return isDate ? { lastDay: value } : undefined;
  },
  moderation: (value) =>
    value === 'off' || value === 'on' || value === 'required' ? { moderation: value } : undefined,
  carry: (value) => {
    const carriesOver = onOff(value);
    return carriesOver === undefined ? undefined : { carriesOver };
  },
  review: (value) => {
    const review = onOff(value);
    return review === undefined ? undefined : { review };
  },
  members: (value) => {
    const mostMembers = count(value);
    return mostMembers === undefined || mostMembers > 10_000 ? undefined : { mostMembers };
  },
};

/** Their values name models, in which capitals count. */
const NAMES_MODELS: ReadonlySet<string> = new Set([
  'model',
  'models',
  'requests',
  'tokens',
  'requests-all',
  'tokens-all',
]);

const WINDOWS: readonly string[] = ['hour', 'day', 'month'];

/** @param now what is set; words that are no `name=value` are left to the caller */
export function readPoolWords(text: string, now: MemberMicros): PoolWords {
  let settings: Settings = {};
  let named: Omit<PoolChange, 'settings'> = {};
  const rest: string[] = [];
  for (const word of text.split(/\s+/).filter((w) => w !== '')) {
    const match = /^([a-z-]+)=(.*)$/i.exec(word);
    if (match === null) {
      rest.push(word);
      continue;
    }
    const [, written = '', value = ''] = match;
    const key = written.toLowerCase();
    const lower = value.toLowerCase();
    if (WINDOWS.includes(key)) {
      const micros = readMoney(value);
      if (micros === undefined) return { ok: false, word };
      settings = {
        ...settings,
        memberMicros: { ...now, ...settings.memberMicros, [key]: micros },
      };
    } else if (key === 'key') {
      if (!isProviderId(lower)) return { ok: false, word };
      named = { ...named, key: lower };
    } else if (key === 'name') {
      if (!POOL_NAME.test(value)) return { ok: false, word };
      named = { ...named, name: value };
    } else if (key === 'zone') {
      if (!IANAZone.isValidZone(value)) return { ok: false, word };
      named = { ...named, zone: value };
    } else {
      const read = Object.hasOwn(READ, key) ? READ[key] : undefined;
      const change = read?.(NAMES_MODELS.has(key) ? value : lower);
      if (change === undefined) return { ok: false, word };
      settings = { ...settings, ...change };
    }
  }
  return { ok: true, change: { ...named, settings }, rest };
}
