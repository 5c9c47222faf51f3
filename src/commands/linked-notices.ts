import type { PlatformName } from '../chat/message.ts';
import type { Notice, PlatformSender } from '../chat/platform.ts';
import type { Identity } from '../keys/key-prompts.ts';
import { type Log, serializeError } from '../log.ts';
import type { CommandContext } from './command.ts';

/** Tells other identities, each in its direct chat, what was done on this one. */
export type TellLinked = (
  context: CommandContext,
  others: readonly Identity[],
  notice: (other: Identity) => Promise<Notice>,
) => void;

export function createTellLinked({
  sender,
  log,
}: {
  readonly sender: (platform: PlatformName) => PlatformSender;
  readonly log: Log;
}): TellLinked {
  async function tell(
    other: Identity,
    notice: (other: Identity) => Promise<Notice>,
  ): Promise<void> {
    const { platform, platformUserId } = other;
    try {
      const to = sender(platform);
      await to.notify({ chat: to.directChat({ platformUserId }) }, await notice(other));
    } catch (error) {
      // That platform is turned off by now, or the person has blocked the bot there.
      log.info({ error: serializeError(error) }, 'a linked account could not be told');
    }
  }
  return (context, others, notice) =>
    context.later(async () => {
      await Promise.all(others.map((other) => tell(other, notice)));
    });
}

export function identityOf({ chat, sender }: CommandContext): Identity {
  return { platform: chat.platform, platformUserId: sender.platformUserId };
}
