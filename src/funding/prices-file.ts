import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { StartError } from '../start-error.ts';

const dollars = z.number().min(0).max(100_000);

const prices = z.record(
  z.string().regex(/^[a-z]+\/\S+$/),
  z.strictObject({
    input: dollars,
    output: dollars,
    cachedInput: dollars.optional(),
    cacheWrite: dollars.optional(),
  }),
);

/** Dollars a million tokens, by `provider/model`. */
export type PriceOverrides = Readonly<z.infer<typeof prices>>;

/** The operator's own prices. @throws StartError when the file can't be read or is not what it should be */
export async function readPricesFile(file: string): Promise<PriceOverrides> {
  try {
    return prices.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    throw new StartError(
      `PRICES_FILE ${file} can't be read as prices: it takes JSON like {"provider/model": {"input": 1.25, "output": 10}}, in dollars a million tokens.`,
    );
  }
}
