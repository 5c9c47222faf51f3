import type { Config } from '../../config.ts';
import { providerEntry } from '../../llm/catalogue.ts';
import { createProviders } from '../../llm/providers.ts';
import { type Finding, ok, warning, wrong } from './finding.ts';

const PATIENCE_MS = 15_000;

/** Asks the provider of the house, free of charge. */
export async function checkHouse({ house, baseUrls }: Config): Promise<Finding[]> {
  const what = 'house key';
  if (house.provider === 'offline') {
    return [
      warning(
        what,
        'No house key is set: who brings no key of their own is answered by the offline provider.',
        'Set OPENAI_API_KEY or ANTHROPIC_API_KEY, unless that is what you want.',
      ),
    ];
  }
  const { name } = providerEntry(house.provider);
  const setting = `${house.provider.toUpperCase()}_API_KEY`;
  const provider = createProviders({ baseUrls })(house.provider);
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const { result } = await provider.checkKey(house.apiKey, signal);
  switch (result) {
    case 'valid':
      break;
    case 'limited':
      return [
        warning(
          what,
          `${name} takes it, but it may not list models: whether it may use ${house.model} shows only in use.`,
          `Give the key the right to read models, or ask something with it.`,
        ),
      ];
    case 'invalid':
      return [
        wrong(what, `${name} refuses ${setting}.`, `Make a new key at ${name} and set it again.`),
      ];
    case 'unknown':
      return [
        wrong(
          what,
          `${name} could not be asked about ${setting}.`,
          `Check the network of this machine, and ${house.provider.toUpperCase()}_BASE_URL if it is set; or ${name} has trouble.`,
        ),
      ];
  }
  const models = await provider.listModels(house.apiKey, signal).catch(() => undefined);
  if (models !== undefined && !models.some(({ id }) => id === house.model)) {
    return [
      warning(
        what,
        `${name} accepts it, but does not list the model ${house.model}.`,
        'Set HOUSE_MODEL to one that it lists, if answers of the house fail.',
      ),
    ];
  }
  return [ok(what, `${name} accepts it; it answers with ${house.model}.`)];
}
