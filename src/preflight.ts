/** What can be wrong without any server: found before a database is made or its tables changed. */

import { legalTexts } from './commands/legal-texts.ts';
import type { Config } from './config.ts';
import { checkDataDir } from './db/embedded/data-dir.ts';
import type { House } from './funding/funding.ts';
import { checkPlanModels, type Plans, plansOf } from './funding/plans-file.ts';
import type { Prices } from './funding/prices.ts';
import { pricesOf } from './funding/prices-file.ts';
import { checkKeyRing } from './keys/open-key-ring.ts';
import { defaultModel } from './llm/catalogue.ts';
import type { Thresholds } from './moderation/thresholds.ts';
import { readThresholds } from './moderation/thresholds-file.ts';
import { Secret } from './secret.ts';
import { StartError } from './start-error.ts';

/** What the operator's files say. */
export interface Preflight {
  readonly prices: Prices;
  readonly plans: Plans;
  readonly house: House;
  readonly thresholds: Thresholds;
  readonly legal: Awaited<ReturnType<typeof legalTexts>>;
}

const NOTHING_TO_SERVE = `There is nothing to serve: no bot token is set, and this is no terminal to chat in.
Set TELEGRAM_BOT_TOKEN (from @BotFather) or DISCORD_BOT_TOKEN (from discord.com/developers) in the environment or in a file .env, or start me in a terminal.`;

/**
 * @param options.servesElsewhere there is a terminal to chat in, say
 * @throws StartError; nothing has been made
 */
export async function preflight(
  config: Config,
  { servesElsewhere }: { readonly servesElsewhere: boolean },
): Promise<Preflight> {
  const prices = await pricesOf(config);
  const house: House =
    config.house.provider === 'offline'
      ? { provider: 'offline', model: defaultModel('offline'), apiKey: new Secret('offline') }
      : config.house;
  if (prices.priceFor(house.provider, house.model) === undefined) {
    throw new StartError(
      `HOUSE_MODEL is "${house.provider}/${house.model}", whose price is unknown: what it costs could not be limited. Take another model, or give its price in PRICES_FILE (or, as "unknown", one that is assumed).`,
    );
  }
  const plans = await plansOf(config);
  checkPlanModels(plans, house, (model) => prices.priceFor(house.provider, model) !== undefined);
  const legal = await legalTexts(config, house, plans.free);
  if (config.telegram === undefined && config.discord === undefined && !servesElsewhere) {
    throw new StartError(NOTHING_TO_SERVE);
  }
  if (config.database.kind === 'embedded') await checkDataDir(config.database.dataDir);
  const thresholds = await readThresholds(config.moderation.file);
  await checkKeyRing(config.keyRing, { mayCreate: config.role !== 'worker' });
  return { prices, plans, house, legal, thresholds };
}
