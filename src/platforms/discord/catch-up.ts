/**
 * Reads what people wrote while nobody heard it. Discord sends again only what belongs to a session
 * that is resumed: with a new one, what came in between, or came to a process that died before it
 * could store it, would be lost.
 */

import type { REST } from '@discordjs/rest';
import {
  type APIMessage,
  type RESTGetAPIChannelMessagesQuery,
  Routes,
} from 'discord-api-types/v10';
import { PlatformError } from '../../chat/platform.ts';
import type { RecentChats } from '../../chat/recent-chats.ts';
import { backoffMs, pause } from '../../chat/sending/backoff.ts';
import { isSnowflake } from './channels.ts';
import { describe } from './errors.ts';
import type { WireMessage } from './incoming.ts';
import type { DiscordLogger } from './logger.ts';
import { Retries, retrying } from './retries.ts';
import { isOnShard, type Shard } from './shard.ts';
import { idAt } from './snowflake.ts';

/** Milliseconds. Who wrote longer ago has asked again, or does not wait any more. */
const MOST_AGE = 15 * 60_000;
/** One request each, one after another, so that answers have the rest of what Discord takes. */
const MOST_CHATS = 100;
/** Of one chat; Discord gives so many messages at once. */
const MOST_PAGES = 3;
const PAGE = 100;
/** Milliseconds for which one chat is tried. */
const BUDGET_MS = 30_000;
const MOST_TRIES = 5;

export interface CatchUpParts {
  readonly rest: REST;
  readonly logger: DiscordLogger;
  /** Milliseconds before something that failed is tried again, at first; it doubles. */
  readonly retryMs: number;
  readonly signal: AbortSignal;
  readonly recentChats: RecentChats;
  /** The server of a channel; undefined for one that is not known. */
  readonly guildOf: (channelId: string) => string | undefined;
  /** What is known already changes nothing. */
  readonly take: (message: WireMessage) => void;
}

/**
 * @returns what is called with each new session, whose chats alone it reads: those of the other
 * shards missed nothing. It never throws.
 */
export function createCatchUp(parts: CatchUpParts): (shard: Shard) => Promise<void> {
  const { rest, logger, retryMs, signal } = parts;
  let underWay: Promise<void> | undefined;
  const asked = new Map<number, Shard>();

  async function chats(): ReturnType<RecentChats> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await parts.recentChats(MOST_CHATS);
      } catch (error) {
        if (signal.aborted || attempt >= MOST_TRIES) throw error;
        await pause(backoffMs(attempt, retryMs, 10_000), signal);
      }
    }
  }

  async function ask(route: `/${string}`, query: URLSearchParams): Promise<unknown> {
    try {
      return await rest.get(route, { query, signal });
    } catch (error) {
      if (signal.aborted) throw new PlatformError('gone', 'the bot stops');
      throw error;
    }
  }

  async function read(channelId: string, after: string): Promise<readonly APIMessage[]> {
    const found: APIMessage[] = [];
    for (let page = 0, last = after; page < MOST_PAGES; page += 1) {
      const query: RESTGetAPIChannelMessagesQuery = { after: last, limit: PAGE };
      const answer = await retrying(
        new Retries({ retryMs, budgetMs: BUDGET_MS }),
        () => ask(Routes.channelMessages(channelId), params(query)),
        { repeatable: true },
      );
      // As the messages of the gateway, they have the shape that the library's types tell.
      const messages = answer as readonly APIMessage[];
      // Newest first.
      found.push(...[...messages].reverse());
      last = messages[0]?.id ?? last;
      if (messages.length < PAGE) break;
    }
    return found;
  }

  async function catchUp(shards: readonly Shard[]): Promise<void> {
    const now = Date.now();
    let count = 0;
    const recent = await chats();
    for (const { chat, since } of recent) {
      if (signal.aborted) return;
      const channelId = chat.threadId ?? chat.chatId;
      if (!isSnowflake(channelId)) continue;
      const guildId =
        chat.kind === 'direct' ? undefined : (chat.wholeId ?? parts.guildOf(chat.chatId));
      // Without its server it would be taken for a direct chat.
      if (chat.kind === 'group' && guildId === undefined) continue;
      if (!shards.some((shard) => isOnShard(guildId, shard))) continue;
      // What was said before a chat was known was said to somebody else, or was forgotten.
      const after = idAt(Math.max(now - MOST_AGE, since.getTime()));
      try {
        for (const message of await read(channelId, after)) {
          parts.take({ ...message, ...(guildId === undefined ? {} : { guild_id: guildId }) });
          count += 1;
        }
      } catch (error) {
        if (signal.aborted) return;
        logger.info(describe(error), 'a channel could not be read for what was missed');
      }
    }
    if (recent.length === 0) return;
    logger.info({ chats: recent.length, messages: count }, 'looked for what was missed');
  }

  async function run(): Promise<void> {
    while (asked.size > 0 && !signal.aborted) {
      const shards = [...asked.values()];
      asked.clear();
      await catchUp(shards).catch((error: unknown) => {
        logger.warn(describe(error), 'what was missed could not be looked for');
      });
    }
    underWay = undefined;
  }

  return (shard) => {
    asked.set(shard.id, shard);
    underWay ??= run();
    return underWay;
  };
}

function params(query: RESTGetAPIChannelMessagesQuery): URLSearchParams {
  return new URLSearchParams(
    Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]),
  );
}
