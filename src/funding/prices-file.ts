import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { StartError } from '../start-error.ts';
import { createPrices, type Prices, UNKNOWN_MODEL } from './prices.ts';

const dollars = z.number().min(0).max(100_000);

const price = z.strictObject({
  input: dollars,
  output: dollars,
  cachedInput: dollars.optional(),
  cacheWrite: dollars.optional(),
});

/** Models without a price are refused, as without a word about it. */
const REFUSE = 'refuse';

const prices = z
  .record(z.string(), z.union([price, z.literal(REFUSE)]))
  .transform((entries, context) => {
    const found: Record<string, z.infer<typeof price>> = {};
    for (const [name, value] of Object.entries(entries)) {
      const isModel = /^[a-z]+\/\S+$/.test(name);
      if (value === REFUSE ? name !== UNKNOWN_MODEL : !isModel && name !== UNKNOWN_MODEL) {
        context.addIssue({ code: 'custom', message: name });
      } else if (value !== REFUSE) found[name] = value;
    }
    return found;
  });

/** Dollars a million tokens, by `provider/model`, or for every model without a price. */
export type PriceOverrides = Readonly<z.infer<typeof prices>>;

/** The operator's own prices. @throws StartError when the file can't be read or is not what it should be */
export async function readPricesFile(file: string): Promise<PriceOverrides> {
  try {
    return prices.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    throw new StartError(
      `PRICES_FILE ${file} can't be read as prices: it takes JSON like {"provider/model": {"input": 1.25, "output": 10}}, in dollars a million tokens; "unknown" instead of a model takes the price that is assumed where none is known, or "refuse".`,
    );
  }
}

/** The prices that hold: the known ones, with the operator's own over them. @throws StartError */
export async function pricesOf({
  pricesFile,
}: {
  readonly pricesFile: string | undefined;
}): Promise<Prices> {
  return createPrices(
    pricesFile === undefined ? {} : { overrides: await readPricesFile(pricesFile) },
  );
}
