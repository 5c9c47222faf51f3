/** Where people find this installation's bots, for the operator's shell, which runs without them. */

import type { Database } from '../db/client.ts';
import { keepFact, readFact } from '../db/installation.ts';

const NAME = 'bot-addresses';

export interface BotAddresses {
  readonly telegram: string | undefined;
  readonly discord: string | undefined;
}

interface Addressed {
  address(): Promise<string>;
}

/** @throws where a platform can't be asked */
export async function rememberAddresses(
  db: Database,
  bots: { readonly telegram: Addressed | undefined; readonly discord: Addressed | undefined },
): Promise<void> {
  await keepFact(db, NAME, {
    telegram: await bots.telegram?.address(),
    discord: await bots.discord?.address(),
  });
}

/** Undefined each, until the bot has run there once. */
export async function botAddresses(db: Database): Promise<BotAddresses> {
  const known = await readFact(db, NAME);
  const of = (platform: string) => {
    const address: unknown =
      typeof known === 'object' && known !== null ? Reflect.get(known, platform) : undefined;
    return typeof address === 'string' ? address : undefined;
  };
  return { telegram: of('telegram'), discord: of('discord') };
}
