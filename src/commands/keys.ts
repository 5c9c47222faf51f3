/** /keys and /delkey: what keys a user has here, and how to be rid of one. */

import type { ApiKeys } from '../keys/api-keys.ts';
import { isProviderId, providerEntry } from '../llm/catalogue.ts';
import { keysText } from '../text/keys.ts';
import type { Command, CommandContext } from './command.ts';

interface KeysParts {
  readonly apiKeys: ApiKeys;
}

const nameOf = (provider: string) =>
  isProviderId(provider) ? providerEntry(provider).name : provider;

export function createKeys({ apiKeys }: KeysParts): Command {
  return {
    name: 'keys',
    description: 'My API keys',
    where: 'direct',
    async run(context) {
      const [keys, aside] = await Promise.all([
        apiKeys.list(context.userId),
        apiKeys.listAside(context.userId),
      ]);
      context.answer(
        keysText.list(
          keys.map((key) => ({ ...key, id: key.provider, provider: nameOf(key.provider) })),
          aside.map((key) => ({ ...key, provider: nameOf(key.provider) })),
        ),
      );
    },
  };
}

export function createDelKey({ apiKeys }: KeysParts): Command {
  async function remove(context: CommandContext, provider: string): Promise<void> {
    const removed = isProviderId(provider) && (await apiKeys.remove(context.userId, provider));
    context.answer(removed ? keysText.deleted(nameOf(provider)) : keysText.nothingToDelete());
  }

  return {
    name: 'delkey',
    description: 'Delete one of my keys',
    where: 'direct',
    async run(context) {
      if (context.argument !== '') {
        await remove(context, context.argument.toLowerCase());
        return;
      }
      const keys = await apiKeys.list(context.userId);
      const [only] = keys;
      if (only !== undefined && keys.length === 1) await remove(context, only.provider);
      else if (only === undefined) context.answer(keysText.nothingToDelete());
      else {
        context.answer(
          keysText.chooseToDelete(
            keys.map((k) => ({ id: k.provider, provider: nameOf(k.provider) })),
          ),
        );
      }
    },
    press: (context) => remove(context, context.argument),
  };
}
