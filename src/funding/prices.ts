/** What models cost: prices of a million tokens, and the cost of an answer. */

import { modelData } from '../llm/model-data.ts';
import type { ProviderId, Usage } from '../llm/provider.ts';
import { MICROS_PER_USD } from './money.ts';

/** Micros a million tokens, which is dollars a million tokens × 1,000,000; whole numbers. */
export interface Rates {
  readonly input: number;
  /** Input read from the provider's cache. */
  readonly cachedInput: number;
  /** Input written to the provider's cache (Anthropic). */
  readonly cacheWrite: number;
  readonly output: number;
}

export interface Price extends Rates {
  /** Dearer rates for the whole of a call whose input is longer than so many tokens; dearest last. */
  readonly longInput: readonly (Rates & { readonly above: number })[];
}

/** Dollars a million tokens, by `provider/model` or `unknown`: what an operator writes in PRICES_FILE. */
export type PriceOverrides = Readonly<
  Record<
    string,
    {
      readonly input: number;
      readonly output: number;
      /** As `input` where it is not given; so is `cacheWrite`. */
      readonly cachedInput?: number | undefined;
      readonly cacheWrite?: number | undefined;
    }
  >
>;

/** What a call is counted at. */
export interface AppliedPrice {
  readonly price: Price;
  /** Nobody knows its price: the operator assumes this one. */
  readonly assumed: boolean;
}

/** In PRICES_FILE, the price of every model that has none. */
export const UNKNOWN_MODEL = 'unknown';

export interface Prices {
  /** @returns undefined for a model whose price is not known, which is not to be taken for free */
  priceOf(provider: ProviderId, model: string): Price | undefined;
  /** As {@link priceOf}, or what the operator assumes for models without a price. */
  priceFor(provider: ProviderId, model: string): AppliedPrice | undefined;
  /** A whole number of micros, rounded up: never less than what the provider asks. */
  costMicros(price: Price, usage: Usage): number;
  /** The rates of a call with so much input: long input makes the whole call dearer. */
  ratesFor(price: Price, inputTokens: number): Rates;
}

const TOKENS_PER_PRICE = 1_000_000;
const FREE: Price = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, longInput: [] };

/** Importing the price data takes 20 MB and 65 ms. @throws RangeError for an override that is no price */
export function createPrices({
  overrides = {},
  now = () => new Date(),
}: {
  readonly overrides?: PriceOverrides;
  readonly now?: () => Date;
} = {}): Prices {
  const own = new Map(
    Object.entries(overrides).map(([name, { input, output, cachedInput, cacheWrite }]) => [
      name,
      ratesOf({ input, output, cachedInput, cacheWrite }, name),
    ]),
  );
  const ownPrice = (name: string): Price | undefined => {
    const rates = own.get(name);
    return rates && { ...rates, longInput: [] };
  };
  const priceOf = (provider: ProviderId, model: string): Price | undefined => {
    if (provider === 'offline') return FREE;
    return (
      ownPrice(`${provider}/${model}`) ?? listedPrice(modelData(provider, model, now())?.prices)
    );
  };
  return {
    priceOf,
    priceFor(provider, model) {
      const known = priceOf(provider, model);
      if (known !== undefined) return { price: known, assumed: false };
      const assumed = ownPrice(UNKNOWN_MODEL);
      return assumed && { price: assumed, assumed: true };
    },
    costMicros,
    ratesFor,
  };
}

function ratesFor(price: Price, inputTokens: number): Rates {
  return price.longInput.findLast(({ above }) => inputTokens > above) ?? price;
}

function costMicros(price: Price, usage: Usage): number {
  const inputTokens = tokens(usage.inputTokens);
  const rates = ratesFor(price, inputTokens);
  const cached = Math.min(tokens(usage.cachedInputTokens), inputTokens);
  const written = Math.min(tokens(usage.cacheWriteTokens), inputTokens - cached);
  const plain = inputTokens - cached - written;
  // Whole numbers all along: a sum of products stays exact where fractions of dollars would not.
  const millionths =
    plain * rates.input +
    cached * rates.cachedInput +
    written * rates.cacheWrite +
    tokens(usage.outputTokens) * rates.output;
  return Math.ceil(millionths / TOKENS_PER_PRICE);
}

/** A count from outside: what is no number counts nothing, and no count is negative or in parts. */
function tokens(count: number): number {
  return Number.isFinite(count) && count > 0 ? Math.ceil(count) : 0;
}

interface Dollars {
  readonly input: number;
  readonly output: number;
  readonly cachedInput: number | undefined;
  readonly cacheWrite: number | undefined;
}

function ratesOf(dollars: Dollars, name: string): Rates {
  const micros = (amount: number): number => {
    if (!Number.isFinite(amount) || amount < 0)
      throw new RangeError(`${name}: ${amount} is no price`);
    // 0.1 × 1,000,000 is not always whole.
    return Math.ceil(Number((amount * MICROS_PER_USD).toFixed(3)));
  };
  return {
    input: micros(dollars.input),
    output: micros(dollars.output),
    // Where there is no price for them, they are plain input.
    cachedInput: micros(dollars.cachedInput ?? dollars.input),
    cacheWrite: micros(dollars.cacheWrite ?? dollars.input),
  };
}

type Listed = Exclude<ReturnType<typeof modelData>, undefined>['prices'];

function listedPrice(prices: Listed | undefined): Price | undefined {
  if (prices === undefined) return undefined;
  const at = (inputTokens: number): Rates | undefined => {
    const amount = (name: string): number | undefined => {
      const price = prices[name];
      if (price === undefined || typeof price === 'number') return price;
      return price.tiers.findLast(({ start }) => inputTokens > start)?.price ?? price.base;
    };
    const input = amount('input_mtok');
    const output = amount('output_mtok');
    if (input === undefined || output === undefined) return undefined;
    const cachedInput = amount('cache_read_mtok');
    const cacheWrite = amount('cache_write_mtok');
    return ratesOf({ input, output, cachedInput, cacheWrite }, 'listed price');
  };
  const base = at(0);
  if (base === undefined) return undefined;
  const starts = new Set(
    Object.values(prices).flatMap((price) =>
      typeof price === 'object' ? price.tiers.map(({ start }) => start) : [],
    ),
  );
  const longInput = [...starts]
    .sort((a, b) => a - b)
    .flatMap((above) => {
      const rates = at(above + 1);
      return rates === undefined ? [] : [{ ...rates, above }];
    });
  return { ...base, longInput };
}
