/** Takes messages back. Errors are logged, never thrown. */

import type { ChatAddress } from '../../chat/message.ts';
import type { Deletion, PlatformErrorCode } from '../../chat/platform.ts';
import type { DiscordApi } from './api.ts';
import { type Channels, isSnowflake } from './channels.ts';
import { describe, isUnknownMessage, toPlatformError } from './errors.ts';
import type { DiscordLogger } from './logger.ts';
import { Retries, type RetryTimes, retrying } from './retries.ts';

export interface DeletionParts {
  readonly api: DiscordApi;
  readonly channels: Channels;
  readonly logger: DiscordLogger;
  /** For a single message, which may hold a key. */
  readonly deleting: RetryTimes;
  /** For each of several, which wait for Discord's limit. */
  readonly clearing: RetryTimes;
}

export async function deleteMessage(
  parts: DeletionParts,
  chat: ChatAddress,
  messageId: string,
): Promise<Deletion> {
  // What was said through a form or a command is no message.
  if (!isSnowflake(messageId)) return 'refused';
  return (await attempt(parts, parts.deleting, chat, messageId)) === undefined
    ? 'deleted'
    : 'refused';
}

/**
 * Deletes the bot's own messages one by one: Discord deletes several at once in servers only, and
 * there for those who may manage messages. As the client counts along with Discord's limit, what
 * comes too fast waits here.
 * @returns how many are gone
 */
export async function deleteMessages(
  parts: DeletionParts,
  chat: ChatAddress,
  messageIds: readonly string[],
): Promise<number> {
  let deleted = 0;
  for (const messageId of messageIds.filter(isSnowflake)) {
    const failure = await attempt(parts, parts.clearing, chat, messageId);
    if (failure === undefined) deleted += 1;
    // Thrown out, the chat gone, or out of reach: that holds for all of them.
    else if (failure !== 'refused') break;
  }
  return deleted;
}

/** @returns why it is still there; undefined: it is gone, which it may have been before */
async function attempt(
  { api, channels, logger }: DeletionParts,
  times: RetryTimes,
  chat: ChatAddress,
  messageId: string,
): Promise<PlatformErrorCode | undefined> {
  const remove = async () => api.delete(await channels.of(chat), messageId);
  const unlessGone = (error: unknown) => {
    if (!isUnknownMessage(error)) throw error;
  };
  try {
    await retrying(new Retries(times), () => remove().catch(unlessGone), { repeatable: true });
    return undefined;
  } catch (error) {
    logger.info(describe(error), 'a message could not be deleted');
    return toPlatformError(error).code;
  }
}
