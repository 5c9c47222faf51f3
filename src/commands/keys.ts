/** /keys and /delkey: what keys a user has here, and what can be done with each. */

import type { Database } from '../db/client.ts';
import { type OwnKeys, readOwnKeys } from '../funding/funding.ts';
import { houseMonth } from '../funding/money.ts';
import type { WhoPays } from '../funding/next-payer.ts';
import { ownSpendByProvider } from '../funding/usage.ts';
import type { ApiKeys, KeyRef, ListedKey } from '../keys/api-keys.ts';
import { providerEntry } from '../llm/catalogue.ts';
import { type KeyFacts, keyListText } from '../text/key-list.ts';
import type { Command, CommandContext } from './command.ts';

export interface KeysParts {
  readonly db: Database;
  readonly apiKeys: ApiKeys;
  readonly whoPays: WhoPays;
}

/** After how many days a key can be forgotten. */
const FORGET_AFTER_DAYS = [7, 30, 90] as const;

const nameOf = (key: Pick<ListedKey, 'provider'>) => providerEntry(key.provider).name;

export function createKeys(parts: KeysParts): Command {
  const { db, apiKeys } = parts;

  async function factsOf(userId: number, { keys, answering }: OwnKeys): Promise<KeyFacts[]> {
    const month = new Date(`${houseMonth(new Date())}T00:00:00Z`);
    const spent = await ownSpendByProvider(db, userId, month);
    return keys.map((key) => ({
      ...key,
      id: key.provider,
      provider: nameOf(key),
      ref: refOf(key),
      spentMicros: spent.get(key.provider) ?? 0,
      answers: keys.length > 1 && key.provider === answering?.provider,
      isOneOf: keys.length,
    }));
  }

  async function list(userId: number) {
    const [own, aside] = await Promise.all([readOwnKeys(parts, userId), apiKeys.listAside(userId)]);
    return keyListText.list(
      await factsOf(userId, own),
      aside.map((key) => ({ provider: nameOf(key), hint: key.hint })),
    );
  }

  /** The view of one key. @param remark what was just done */
  async function view(userId: number, key: KeyRef, remark?: string) {
    const facts = await factsOf(userId, await readOwnKeys(parts, userId));
    const found = facts.find(({ ref }) => ref === refOf(key));
    return found === undefined ? keyListText.gone() : keyListText.one(found, remark);
  }

  function checkAgain(context: CommandContext, key: KeyRef): void {
    const { userId } = context;
    context.later(async () => {
      const checked = await apiKeys.checkAgain(userId, key);
      const remark = keyListText.checked(checked);
      context.replace(remark === undefined ? keyListText.gone() : await view(userId, key, remark));
    });
  }

  async function act(context: CommandContext, verb: string, key: KeyRef): Promise<void> {
    const { userId } = context;
    const found = (await apiKeys.list(userId)).find((k) => refOf(k) === refOf(key));
    if (found === undefined) return context.replace(keyListText.gone());
    const facts = { provider: nameOf(found), hint: found.hint, ref: refOf(found) };
    switch (verb) {
      case 'open':
        return context.replace(await view(userId, key));
      case 'check':
        return checkAgain(context, key);
      case 'default': {
        const done = await apiKeys.makeDefault(userId, key);
        const remark = keyListText.isDefault(facts.provider);
        return context.replace(done ? await view(userId, key, remark) : keyListText.gone());
      }
      case 'forget':
        return context.replace(keyListText.chooseForget(facts, FORGET_AFTER_DAYS));
      case 'delete':
        return context.replace(keyListText.confirmDelete(facts));
      case 'deleted': {
        const removed = await apiKeys.removeKey(userId, key);
        return context.replace(
          removed === undefined
            ? keyListText.gone()
            : keyListText.deleted(facts.provider, await parts.whoPays(userId)),
        );
      }
      default:
        return forgetAfter(context, verb, key);
    }
  }

  async function forgetAfter(context: CommandContext, verb: string, key: KeyRef): Promise<void> {
    const days = verb === 'keep' ? null : FORGET_AFTER_DAYS.find((n) => verb === `after${n}`);
    if (days === undefined) return context.replace(keyListText.gone());
    const done = await apiKeys.forgetAfter(context.userId, key, days);
    const remark = keyListText.forgetSet(days);
    context.replace(done ? await view(context.userId, key, remark) : keyListText.gone());
  }

  return {
    name: 'keys',
    description: 'My API keys',
    where: 'direct',
    async run(context) {
      context.answer(await list(context.userId));
    },
    /** `keys:VERB-ID-VERSION`: what names another's key, or one that was replaced, does nothing. */
    async press(context) {
      const match = /^([a-z]{2,8}\d{0,2})-(\d{1,15})-(\d{1,10})$/.exec(context.argument);
      if (match === null) return context.replace(await list(context.userId));
      const [, verb = '', id, version] = match;
      await act(context, verb, { id: Number(id), version: Number(version) });
    },
  };
}

export function createDelKey({ apiKeys }: Pick<KeysParts, 'apiKeys'>): Command {
  return {
    name: 'delkey',
    description: 'Delete one of my keys',
    where: 'direct',
    async run({ userId, argument, answer }) {
      const wanted = argument.trim().toLowerCase();
      const keys = (await apiKeys.list(userId)).filter(
        (key) => wanted === '' || key.provider === wanted || nameOf(key).toLowerCase() === wanted,
      );
      const [only] = keys;
      const facts = keys.map((k) => ({ provider: nameOf(k), hint: k.hint, ref: refOf(k) }));
      const [first] = facts;
      if (only === undefined || first === undefined) answer(keyListText.nothingToDelete());
      else if (keys.length === 1) answer(keyListText.confirmDelete(first));
      else answer(keyListText.chooseToDelete(facts));
    },
  };
}

export function refOf({ id, version }: KeyRef): string {
  return `${id}-${version}`;
}
