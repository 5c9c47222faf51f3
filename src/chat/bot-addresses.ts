/** Where people find this installation's bots, for the operator's shell, which runs without them. */

import type { Database } from '../db/client.ts';
import { eq } from '../db/drizzle.ts';
import { installation } from '../db/schema.ts';

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
  const value = {
    telegram: await bots.telegram?.address(),
    discord: await bots.discord?.address(),
  };
  await db
    .insert(installation)
    .values({ name: NAME, value })
    .onConflictDoUpdate({ target: installation.name, set: { value } });
}

/** Undefined each, until the bot has run there once. */
export async function botAddresses(db: Database): Promise<BotAddresses> {
  const [row] = await db
    .select({ value: installation.value })
    .from(installation)
    .where(eq(installation.name, NAME));
  const known: unknown = row?.value;
  const of = (platform: string) => {
    const address: unknown =
      typeof known === 'object' && known !== null ? Reflect.get(known, platform) : undefined;
    return typeof address === 'string' ? address : undefined;
  };
  return { telegram: of('telegram'), discord: of('discord') };
}
