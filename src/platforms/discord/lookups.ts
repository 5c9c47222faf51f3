/** What the receiver asks Discord for, where an event does not say it. */

import type { REST } from '@discordjs/rest';
import { type APIMessage, Routes } from 'discord-api-types/v10';
import { z } from 'zod';
import { PlatformError } from '../../chat/platform.ts';
import { threadParent } from './addresses.ts';
import { describe, toPlatformError } from './errors.ts';
import type { DiscordLogger } from './logger.ts';
import { Retries, retrying } from './retries.ts';

export interface Lookups {
  /** The parent of a thread; `null` for another channel, and for one that is not the bot's to see. */
  parentOf(channelId: string): Promise<string | null>;
  /** @returns undefined where it is gone, or not for the bot to see, or can't be had for now */
  message(channelId: string, id: string): Promise<APIMessage | undefined>;
  /** The id of the direct chat with a user. @throws PlatformError */
  directChat(userId: string): Promise<string>;
}

/** Milliseconds for which something is asked for again and again. */
const BUDGET_MS = { channel: 30_000, message: 3000, directChat: 5000 };

const channelSchema = z.object({
  id: z.string(),
  type: z.number().int(),
  parent_id: z.string().nullish(),
});
const directChatSchema = z.object({ id: z.string().regex(/^\d{1,20}$/) });

export function createLookups({
  rest,
  logger,
  retryMs,
  signal,
}: {
  readonly rest: REST;
  readonly logger: DiscordLogger;
  readonly retryMs: number;
  readonly signal: AbortSignal;
}): Lookups {
  const asking = (budgetMs: number, ask: () => Promise<unknown>) =>
    retrying(
      new Retries({ retryMs, budgetMs }),
      () =>
        ask().catch((error: unknown) => {
          if (signal.aborted) throw new PlatformError('gone', 'the bot stops');
          throw error;
        }),
      { repeatable: true },
    );

  return {
    async parentOf(channelId) {
      try {
        const answer = await asking(BUDGET_MS.channel, () =>
          rest.get(Routes.channel(channelId), { signal }),
        );
        return threadParent(channelSchema.parse(answer));
      } catch (error) {
        if (signal.aborted || toPlatformError(error).retryable) throw error;
        logger.info(describe(error), 'a channel that something was said in could not be looked up');
        return null;
      }
    },
    async message(channelId, id) {
      try {
        const answer = await asking(BUDGET_MS.message, () =>
          rest.get(Routes.channelMessage(channelId, id), { signal }),
        );
        // As the messages of the gateway, it has the shape that the library's types tell.
        return answer as APIMessage;
      } catch (error) {
        logger.info(describe(error), 'a message that was replied to could not be looked up');
        return undefined;
      }
    },
    async directChat(userId) {
      const answer = await asking(BUDGET_MS.directChat, () =>
        rest.post(Routes.userChannels(), { body: { recipient_id: userId }, signal }),
      );
      return directChatSchema.parse(answer).id;
    },
  };
}
