import type { ChatAddress } from '../../chat/message.ts';
import { PlatformError } from '../../chat/platform.ts';
import { Recent } from '../../chat/sending/recent.ts';
import type { DiscordApi } from './api.ts';
import { hasThread } from './errors.ts';
import { clean } from './render/clean.ts';

/** A direct chat of which only its person is known yet: the channel is asked for when it is needed. */
const USER = 'user:';
const SNOWFLAKE = /^\d{15,20}$/;
const REMEMBERED = 10_000;
/** Characters of a thread's name. */
const MAX_NAME = 100;

export function directChatOf(userId: string): ChatAddress {
  return { platform: 'discord', chatId: `${USER}${userId}`, kind: 'direct' };
}

export function isSnowflake(id: string): boolean {
  return SNOWFLAKE.test(id);
}

/** Finds the channel of a chat. */
export class Channels {
  readonly #api: DiscordApi;
  readonly #direct = new Recent<string, string>(REMEMBERED);
  readonly #threads = new Recent<string, true>(REMEMBERED);

  constructor(api: DiscordApi) {
    this.#api = api;
  }

  /** @throws what the REST client throws; PlatformError where there can be no such channel */
  async of({ chatId, threadId }: ChatAddress): Promise<string> {
    const id = threadId ?? chatId;
    if (isSnowflake(id)) return id;
    const userId = id.startsWith(USER) ? id.slice(USER.length) : '';
    if (!isSnowflake(userId)) throw new PlatformError('gone', 'There can be no such channel');
    const known = this.#direct.get(userId);
    if (known !== undefined) return known;
    const channelId = await this.#api.openDirect(userId);
    this.#direct.set(userId, channelId);
    return channelId;
  }

  /**
   * The thread that begins at a message; it is begun where there is none.
   * @throws what the REST client throws
   */
  async threadAt(channelId: string, messageId: string, name: string): Promise<string> {
    if (this.#threads.get(messageId) === true) return messageId;
    const shown = clean(name).replace(/\s+/g, ' ').trim().slice(0, MAX_NAME).toWellFormed();
    try {
      await this.#api.startThread(channelId, messageId, shown === '' ? '…' : shown);
    } catch (error) {
      if (!hasThread(error)) throw error;
    }
    this.#threads.set(messageId, true);
    return messageId;
  }
}
