/** /setkey: takes a user's API key, in private chats only. */

import type { ChatAddress, Sender } from '../chat/message.ts';
import type { PlatformSender } from '../chat/platform.ts';
import type { ApiKeys } from '../keys/api-keys.ts';
import { detectKeys, recognise } from '../keys/detection.ts';
import { isProviderId, type RemoteProviderId } from '../llm/catalogue.ts';
import type { Secret } from '../secret.ts';
import { keysText, type ProviderText } from '../text/keys.ts';
import { type Command, type CommandContext, rowId } from './command.ts';

export interface SetKeyParts {
  readonly apiKeys: ApiKeys;
  readonly sender: (platform: ChatAddress['platform']) => PlatformSender;
  /** Whom users can bring keys of, in the order in which they are offered. */
  readonly providers: readonly (ProviderText & { readonly id: RemoteProviderId })[];
}

export interface SetKey extends Command {
  /** Whether this person's next message is a key: nothing of it may go to a model. */
  isAwaited(chat: ChatAddress, sender: Sender): Promise<boolean>;
  /** Takes the awaited message. */
  takeAwaited(context: CommandContext, text: string): Promise<void>;
  /** A key that was pasted into the direct chat without /setkey. @returns false where it holds none */
  takePasted(context: CommandContext, text: string): Promise<boolean>;
}

export function createSetKey({ apiKeys, sender, providers }: SetKeyParts): SetKey {
  const textOf = (id: string): ProviderText =>
    providers.find((p) => p.id === id) ?? { id, name: id, keyPage: '' };
  const identity = (context: { readonly chat: ChatAddress; readonly sender: Sender }) => ({
    platform: context.chat.platform,
    platformUserId: context.sender.platformUserId,
  });

  async function deleteMessage(context: CommandContext): Promise<boolean> {
    if (context.messageId === undefined) return true;
    const done = await sender(context.chat.platform).deleteMessage(context.chat, context.messageId);
    return done === 'deleted';
  }

  function check(
    context: CommandContext,
    provider: RemoteProviderId,
    key: Secret,
    deleted: boolean,
  ): void {
    const { name } = textOf(provider);
    context.later(async () => {
      const shown = await context.post(keysText.checking(name));
      const added = await apiKeys.add(context.userId, provider, key);
      const notice =
        added.result === 'saved'
          ? keysText.saved({ ...added, provider: name, deleted })
          : added.result === 'refused'
            ? keysText.refused(added.reason, name, deleted)
            : keysText.tooManyChecks(added.retryAt);
      if (added.result === 'saved') await apiKeys.closePrompt(identity(context));
      context.replace(notice, shown);
    });
  }

  /** Takes a key that the user meant to give. The message that holds it is deleted before anything else. */
  async function take(
    context: CommandContext,
    text: string,
    chosen: RemoteProviderId | null,
  ): Promise<void> {
    const deleted = await deleteMessage(context);
    const found = recognise(text, chosen ?? undefined);
    if (found.result === 'refused') {
      context.answer(keysText.refused(found.reason, textOf(chosen ?? '').name, deleted));
      return;
    }
    if (found.result === 'unrecognised') {
      context.answer(
        chosen === null
          ? keysText.notRecognised(deleted)
          : keysText.refused('unrecognised', textOf(chosen).name, deleted),
      );
      return;
    }
    // The key may be another provider's than the one that was chosen: its host was not named yet.
    const wasNamed = chosen === found.provider;
    if (!wasNamed && textOf(found.provider).otherHost !== undefined) {
      await offer(context, found.provider, found.key, deleted);
      return;
    }
    check(context, found.provider, found.key, deleted);
  }

  async function offer(
    context: CommandContext,
    provider: RemoteProviderId,
    key: Secret,
    deleted: boolean,
  ): Promise<void> {
    const kept = await apiKeys.keepPasted(context.userId, provider, key);
    const { name, otherHost } = textOf(provider);
    context.answer(
      keysText.pasted({ provider: name, hint: kept.hint, id: kept.id, deleted, otherHost }),
    );
  }

  return {
    name: 'setkey',
    description: 'Use my own API key',
    where: 'direct',

    async run(context) {
      if (context.argument === '' || context.messageId === undefined) {
        await apiKeys.openPrompt(identity(context), null);
        context.answer(keysText.chooseProvider(providers));
        return;
      }
      const [first = '', ...rest] = context.argument.split(/\s+/);
      const named = first.toLowerCase();
      if (isProviderId(named) && rest.length === 0) {
        await apiKeys.openPrompt(identity(context), named);
        context.answer(keysText.askForKey(textOf(named)));
      } else if (isProviderId(named)) {
        await take(context, rest.join(' '), named);
      } else {
        await take(context, context.argument, null);
      }
    },

    async press(context) {
      const { argument } = context;
      if (argument === 'cancel') {
        await apiKeys.closePrompt(identity(context));
        context.replace(keysText.promptCancelled());
      } else if (argument.startsWith('use-') || argument.startsWith('drop-')) {
        const taken = await apiKeys.takePasted(
          context.userId,
          rowId(argument.split('-')[1]),
          argument.startsWith('drop-') ? 'drop' : 'use',
        );
        if (taken === undefined) context.replace(keysText.pastedGone());
        else if (argument.startsWith('drop-')) context.replace(keysText.pastedDropped());
        else check(context, taken.provider, taken.key, true);
      } else if (isProviderId(argument)) {
        await apiKeys.openPrompt(identity(context), argument);
        context.replace(keysText.askForKey(textOf(argument)));
      } else {
        context.replace(keysText.promptOver());
      }
    },

    async isAwaited(chat, sender) {
      if (chat.kind !== 'direct') return false;
      return (await apiKeys.activePrompt(identity({ chat, sender }))) !== undefined;
    },

    async takeAwaited(context, text) {
      const prompt = await apiKeys.activePrompt(identity(context));
      await take(context, text, prompt?.provider ?? null);
    },

    async takePasted(context, text) {
      const found = detectKeys(text)[0];
      if (found === undefined) return false;
      const deleted = await deleteMessage(context);
      if (found.kind === 'refused-admin' || found.kind === 'refused-login') {
        const reason = found.kind === 'refused-admin' ? 'admin-key' : 'login-token';
        context.answer(keysText.refused(reason, '', deleted));
      } else if (found.kind === 'usable' && isProviderId(found.provider)) {
        await offer(context, found.provider, found.value, deleted);
      } else {
        context.answer(keysText.exposed(deleted));
      }
      return true;
    },
  };
}
