import type { ChatAddress } from '../../chat/message.ts';
import { describe, toPlatformError } from './errors.ts';
import type { TelegramLogger } from './logger.ts';
import { parseMessageId } from './message-id.ts';
import type { Outbox } from './outbox.ts';
import { Retries, type RetryTools, retrying } from './retries.ts';

/** What `deleteMessages` takes at once. */
const BATCH = 100;

/**
 * Deletes the bot's own messages of a chat, a hundred at a time; where Telegram refuses a hundred
 * because of one of them, one at a time.
 * @returns how many are gone; those that were gone before count too, since Telegram does not tell
 */
export async function deleteMessages(
  {
    tools,
    outbox,
    logger,
    budgetMs,
  }: {
    readonly tools: RetryTools;
    readonly outbox: Outbox;
    readonly logger: TelegramLogger;
    /** Milliseconds for each request with its repetitions. */
    readonly budgetMs: number;
  },
  chat: ChatAddress,
  messageIds: readonly string[],
): Promise<number> {
  const numbers = messageIds.flatMap((id) => {
    const handle = parseMessageId(id);
    return handle?.kind === 'lasting' ? [handle.messageId] : [];
  });
  const attempt = async (task: () => Promise<void>) => {
    try {
      await retrying(new Retries(tools, chat, budgetMs), task, { repeatable: true, paced: false });
      return undefined;
    } catch (error) {
      logger.info(describe(error), 'messages could not be deleted');
      return toPlatformError(error);
    }
  };

  let deleted = 0;
  for (let from = 0; from < numbers.length; from += BATCH) {
    const some = numbers.slice(from, from + BATCH);
    const failure = await attempt(() => outbox.deleteMessages(chat, some));
    if (failure === undefined) deleted += some.length;
    // Blocked, gone or out of reach: that holds for all of them.
    else if (failure.code !== 'refused') return deleted;
    else {
      for (const id of some) {
        const refused = await attempt(() => outbox.deleteMessage(chat, String(id)));
        if (refused === undefined) deleted += 1;
      }
    }
  }
  return deleted;
}
