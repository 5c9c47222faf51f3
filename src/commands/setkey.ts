/** /setkey: takes a user's API key, in private chats only. */

import type { ChatAddress, Sender } from '../chat/message.ts';
import type { PlatformSender } from '../chat/platform.ts';
import type { OwnKeys } from '../funding/funding.ts';
import type { ApiKeys } from '../keys/api-keys.ts';
import { detectKeys, recognise } from '../keys/detection.ts';
import { isProviderId, type RemoteProviderId } from '../llm/catalogue.ts';
import type { Secret } from '../secret.ts';
import { keysText, type MessageWithKey, type ProviderText } from '../text/keys.ts';
import { type Command, type CommandContext, rowId } from './command.ts';
import { refOf } from './keys.ts';

export interface SetKeyParts {
  readonly apiKeys: ApiKeys;
  readonly ownKeys: (userId: number) => Promise<OwnKeys>;
  readonly sender: (platform: ChatAddress['platform']) => PlatformSender;
  /** Whom users can bring keys of, in the order in which they are offered. */
  readonly providers: readonly (ProviderText & { readonly id: RemoteProviderId })[];
}

export interface SetKey extends Command {
  /** Takes the awaited message. */
  takeAwaited(context: CommandContext, text: string): Promise<void>;
  /** A key that was pasted into the direct chat without /setkey. @returns false where it holds none */
  takePasted(context: CommandContext, text: string): Promise<boolean>;
}

export function createSetKey({ apiKeys, ownKeys, sender, providers }: SetKeyParts): SetKey {
  const textOf = (id: string): ProviderText =>
    providers.find((p) => p.id === id) ?? { id, name: id, keyPage: '' };
  const identity = (context: { readonly chat: ChatAddress; readonly sender: Sender }) => ({
    platform: context.chat.platform,
    platformUserId: context.sender.platformUserId,
  });

  const takesFromMessages = (context: CommandContext) =>
    sender(context.chat.platform).traits.deletesDirectMessages;

  async function deleteMessage(context: CommandContext): Promise<MessageWithKey> {
    if (context.messageId === undefined || context.leavesNoMessage === true) return 'none';
    return sender(context.chat.platform).deleteMessage(context.chat, context.messageId);
  }

  /** A key in a message that stays: whoever reads the chat reads it, so it must not be used. */
  function isLeaked(context: CommandContext): boolean {
    return context.leavesNoMessage !== true && !takesFromMessages(context);
  }

  /** Which other key than the one that was just saved answers. */
  async function otherAnswering(userId: number, provider: RemoteProviderId) {
    const { keys, answering } = await ownKeys(userId);
    const saved = keys.find((key) => key.provider === provider);
    if (saved === undefined || answering === undefined || answering === saved) return undefined;
    return { provider: textOf(answering.provider).name, ref: refOf(saved) };
  }

  function check(
    context: CommandContext,
    provider: RemoteProviderId,
    key: Secret,
    message: MessageWithKey,
  ): void {
    const { name } = textOf(provider);
    context.later(async () => {
      const shown = await context.post(keysText.checking(name));
      const added = await apiKeys.add(context.userId, provider, key, identity(context));
      const notice =
        added.result === 'saved'
          ? keysText.saved({
              ...added,
              provider: name,
              message,
              other: await otherAnswering(context.userId, provider),
            })
          : added.result === 'refused'
            ? keysText.refused(added.reason, name, message)
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
    if (isLeaked(context)) {
      await apiKeys.closePrompt(identity(context));
      context.answer(keysText.leaked());
      return;
    }
    const message = await deleteMessage(context);
    const found = recognise(text, chosen ?? undefined);
    if (found.result === 'refused') {
      context.answer(keysText.refused(found.reason, textOf(chosen ?? '').name, message));
      return;
    }
    if (found.result === 'unrecognised') {
      context.answer(
        chosen === null
          ? keysText.notRecognised(message)
          : keysText.refused('unrecognised', textOf(chosen).name, message),
      );
      return;
    }
    // The key may be another provider's than the one that was chosen, or a form brought it, which
    // names no hosts: its host was not named yet.
    const wasNamed = chosen === found.provider && context.leavesNoMessage !== true;
    if (!wasNamed && textOf(found.provider).otherHost !== undefined) {
      await offer(context, found.provider, found.key, message);
      return;
    }
    check(context, found.provider, found.key, message);
  }

  async function offer(
    context: CommandContext,
    provider: RemoteProviderId,
    key: Secret,
    message: MessageWithKey,
  ): Promise<void> {
    const kept = await apiKeys.keepPasted(context.userId, provider, key);
    const { name, otherHost } = textOf(provider);
    context.answer(
      keysText.pasted({ provider: name, hint: kept.hint, id: kept.id, message, otherHost }),
    );
  }

  return {
    name: 'setkey',
    description: 'Use my own API key',
    where: 'direct',

    async run(context) {
      if (context.argument === '' || context.messageId === undefined) {
        if (!takesFromMessages(context)) {
          context.answer(keysText.useTheForm());
          return;
        }
        await apiKeys.openPrompt(identity(context), null);
        context.answer(keysText.chooseProvider(providers));
        return;
      }
      const [first = '', ...rest] = context.argument.split(/\s+/);
      const named = first.toLowerCase();
      if (isProviderId(named) && rest.length === 0) {
        if (!takesFromMessages(context)) {
          context.answer(keysText.useTheForm());
          return;
        }
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
        else check(context, taken.provider, taken.key, 'none');
      } else if (isProviderId(argument) && !takesFromMessages(context)) {
        context.answer(keysText.useTheForm());
      } else if (isProviderId(argument)) {
        await apiKeys.openPrompt(identity(context), argument);
        context.replace(keysText.askForKey(textOf(argument)));
      } else {
        context.replace(keysText.promptOver());
      }
    },

    async takeAwaited(context, text) {
      const prompt = await apiKeys.activePrompt(identity(context));
      await take(context, text, prompt?.provider ?? null);
    },

    async takePasted(context, text) {
      const found = detectKeys(text)[0];
      if (found === undefined) return false;
      if (!takesFromMessages(context)) {
        context.answer(isLeaked(context) ? keysText.leaked() : keysText.exposed('none'));
        return true;
      }
      const message = await deleteMessage(context);
      if (found.kind === 'refused-admin' || found.kind === 'refused-login') {
        const reason = found.kind === 'refused-admin' ? 'admin-key' : 'login-token';
        context.answer(keysText.refused(reason, '', message));
      } else if (found.kind === 'usable' && isProviderId(found.provider)) {
        await offer(context, found.provider, found.value, message);
      } else {
        context.answer(keysText.exposed(message));
      }
      return true;
    },
  };
}
