/** /forget: asks with a button, and forgets the user for good. */

import type { PlatformName } from '../chat/message.ts';
import { isProviderId, providerEntry } from '../llm/catalogue.ts';
import { forgetText } from '../text/forget.ts';
import type { Forgetting } from '../users/forgetting.ts';
import type { MessageDeletions } from '../users/message-deletions.ts';
import type { Command, CommandContext } from './command.ts';

/** What the buttons' actions begin with. */
export const FORGET_ACTION = 'forget:';

const PLATFORMS: Readonly<Record<PlatformName, string>> = {
  telegram: 'Telegram',
  discord: 'Discord',
  terminal: 'this terminal',
};

export function createForget({
  forgetting,
  deletions,
}: {
  readonly forgetting: Forgetting;
  readonly deletions: MessageDeletions;
}): Command {
  return {
    name: 'forget',
    description: 'Delete everything about me',
    where: 'direct',
    async run(context) {
      const { token, belongings } = await forgetting.ask(context.userId);
      context.answer(
        forgetText.ask({
          token,
          ...belongings,
          keys: belongings.keys.map(({ provider, hint }) => ({
            provider: isProviderId(provider) ? providerEntry(provider).name : provider,
            hint,
          })),
          platforms: belongings.accounts.map((name) => PLATFORMS[name]),
          deletesHere: lasts(context),
        }),
      );
    },
    async press(context) {
      if (context.chat.kind !== 'direct') return;
      if (context.argument === 'cancel') {
        await forgetting.cancel(context.userId);
        context.replace(forgetText.kept());
        return;
      }
      const forgotten = await forgetting.confirm(context.userId, context.argument, {
        directChat: context.chat,
        messageId: context.press?.messageId,
      });
      if (forgotten === undefined) {
        context.replace(forgetText.over());
        return;
      }
      if (lasts(context) && forgotten.deletions.length > 0)
        context.replace(forgetText.forgetting());
      context.later(async () => {
        const { deleted, kept } = await deletions.carryOut({ ids: forgotten.deletions });
        const left = lasts(context) ? kept + forgotten.tooOld : undefined;
        context.replace(forgetText.done({ deleted, left }));
      });
    },
  };
}

/** Whether a platform keeps the chat. */
function lasts({ chat }: CommandContext): boolean {
  return chat.platform !== 'terminal';
}
