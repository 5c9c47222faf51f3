/**
 * Where the messages of one answer or notice go: into a channel with the bot's token, or as answers
 * to an interaction, for as long as its token is good. Errors are the REST client's own.
 */

import { MessageFlags } from 'discord-api-types/v10';
import type { ChatAddress } from '../../chat/message.ts';
import { PlatformError } from '../../chat/platform.ts';
import type { Body, DiscordApi, WireMessage } from './api.ts';
import { type Channels, isSnowflake } from './channels.ts';
import { idsOf, withoutNewConversation } from './components.ts';
import { degrading } from './degrading.ts';
import { isUnknownMessage, toPlatformError } from './errors.ts';
import { parseReplyHandle, type ReplyHandle } from './reply-handle.ts';
import { timeOf } from './snowflake.ts';

export interface SurfaceTools {
  readonly api: DiscordApi;
  readonly channels: Channels;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface Place {
  readonly chat: ChatAddress;
  readonly replyTo?: string | undefined;
  readonly replyHandle?: string | undefined;
  /** As in `ReplyTarget`. */
  readonly opensThread?: { readonly name: string } | undefined;
}

interface Once {
  readonly body: Body;
  readonly nonce: string;
  readonly instead: Body;
}

const MINUTE = 60_000;
/** Milliseconds for which an interaction can be answered: 15 minutes, less what a request takes. */
const TOKEN_MS = 15 * MINUTE - 5000;
/** … after which no answer is begun that would have to go on. */
const LAST_CALL_MS = 14 * MINUTE;

const INTERACTION = 'interaction:';

export class Surface {
  readonly #tools: SurfaceTools;
  readonly #place: Place;
  readonly #handle: ReplyHandle | undefined;
  readonly #since: number;
  #isOver = false;
  #hasNoThread = false;
  #original: Promise<WireMessage | undefined> | undefined;

  constructor(tools: SurfaceTools, place: Place) {
    this.#tools = tools;
    this.#place = place;
    this.#handle = parseReplyHandle(place.replyHandle);
    this.#since = this.#issuedAt();
  }

  /** Whether what is sent now answers an interaction. */
  get answersInteraction(): boolean {
    return this.#usable() !== undefined;
  }

  /** Whether Discord takes a few messages only: where the bot is not, it counts those of an interaction. */
  get takesFew(): boolean {
    return this.#handle?.canSend === false;
  }

  /** Milliseconds until the way on has to be left to a button; undefined where there is no need. */
  get lastCallMs(): number | undefined {
    if (this.#handle === undefined || this.#isLasting()) return undefined;
    return Math.max(0, this.#since + LAST_CALL_MS - this.#tools.now());
  }

  /**
   * Whether sending a part once more can make it stand twice.
   * @param triedMs how long ago this process sent it first with the same nonce, if it did
   */
  async doubles(part: number, triedMs: number | undefined): Promise<boolean> {
    const handle = this.#usable();
    if (handle === undefined) return triedMs === undefined || triedMs > MINUTE;
    return part > 0 || !(await this.#isOwn(handle));
  }

  /**
   * The first message, in the place of “is thinking” where that stands.
   * @param instead what a message is made to say that turns out to have been sent with the nonce
   * before, by whatever process
   * @returns its id
   */
  async first(body: Body, nonce: string, instead: Body = body): Promise<string> {
    return await this.#byTokenOrChannel({ body, nonce, instead }, async (handle) => {
      if (!(await this.#isOwn(handle))) return this.#followUp(handle, body);
      try {
        return (await this.#tools.api.editOriginal(handle, body)).id;
      } catch (error) {
        if (!isUnknownMessage(error)) throw error;
        this.#original = Promise.resolve(undefined);
        return this.#followUp(handle, body);
      }
    });
  }

  /** A further message; as {@link first}. */
  async add(body: Body, nonce: string, instead: Body = body): Promise<string> {
    const what = { body, nonce, instead };
    return await this.#byTokenOrChannel(what, (handle) => this.#followUp(handle, body));
  }

  async edit(messageId: string, body: Body): Promise<void> {
    const { api, channels } = this.#tools;
    const refused = await this.#editByToken(messageId, body);
    if (refused === 'done') return;
    if (this.#needsToken()) throw refused;
    if (!isSnowflake(messageId)) throw new PlatformError('gone', 'No message has such an id');
    const channelId = await channels.of(this.#place.chat);
    const threadId = this.#threadId();
    if (threadId === undefined) {
      await api.edit(channelId, messageId, this.#hasNoThread ? inChannel(body) : body);
      return;
    }
    try {
      await api.edit(threadId, messageId, body);
    } catch (error) {
      // It came into the channel when the thread could not be begun.
      const { code } = toPlatformError(error);
      if (code !== 'gone' && code !== 'blocked') throw error;
      await api.edit(channelId, messageId, inChannel(body));
    }
  }

  /** @returns why it could not be done, where it may be tried with the bot's token */
  async #editByToken(messageId: string, body: Body): Promise<'done' | PlatformError> {
    const { api } = this.#tools;
    const handle = this.#usable();
    if (handle === undefined) {
      if (this.#place.replyHandle !== undefined && this.#handle?.ephemeral !== false)
        throw expired();
      return expired();
    }
    try {
      const isOriginal = (await this.#theOriginal(handle))?.id === messageId;
      if (isOriginal) await api.editOriginal(handle, body);
      else await api.editFollowUp(handle, messageId, body);
      return 'done';
    } catch (failure) {
      this.#noteEnd(failure);
      const error = toPlatformError(failure);
      if (error.code !== 'expired' && error.code !== 'gone') throw failure;
      return error;
    }
  }

  async #byTokenOrChannel(
    what: Once,
    answer: (handle: ReplyHandle) => Promise<string>,
  ): Promise<string> {
    const handle = this.#usable();
    if (handle !== undefined) {
      try {
        return await answer(handle);
      } catch (error) {
        this.#noteEnd(error);
        if (toPlatformError(error).code !== 'expired' || !this.#isLasting()) throw error;
      }
    }
    if (this.#needsToken()) throw expired();
    return await this.#toChannel(what);
  }

  async #followUp(handle: ReplyHandle, body: Body): Promise<string> {
    return (await this.#tools.api.followUp(handle, body, handle.ephemeral)).id;
  }

  async #toChannel(what: Once): Promise<string> {
    try {
      return await this.#send(what);
    } catch (error) {
      // The answer's thread was deleted, or is none to write in: the question stands elsewhere.
      if (this.#threadId() === undefined || toPlatformError(error).retryable) throw error;
      this.#hasNoThread = true;
      return await this.#send(what);
    }
  }

  async #send(once: Once): Promise<string> {
    const { api } = this.#tools;
    const { channelId, reference } = await this.#destination();
    const [body, instead] = this.#hasNoThread
      ? [inChannel(once.body), inChannel(once.instead)]
      : [once.body, once.instead];
    let tried = body;
    const sent = await degrading(body, reference, (what, how) => {
      tried = what;
      return api.send(channelId, what, { nonce: once.nonce, ...how });
    });
    // Discord gives back what was sent with the nonce before, if anything was: perhaps the same
    // words, with the button to stop what has ended.
    const known = [tried, instead].some(
      ({ content, components }) =>
        content.trim() === sent.content.trim() && idsOf(components) === idsOf(sent.components),
    );
    if (!known) await api.edit(channelId, sent.id, { ...instead, files: [] });
    return sent.id;
  }

  async #destination(): Promise<{ channelId: string; reference: { replyTo?: string } }> {
    const { channels } = this.#tools;
    const { chat, replyTo = '', opensThread } = this.#place;
    const channelId = await channels.of(chat);
    const reference = isSnowflake(replyTo) ? { replyTo } : {};
    if (opensThread === undefined || this.#threadId() === undefined) {
      return { channelId, reference };
    }
    try {
      const threadId = await channels.threadAt(channelId, replyTo, opensThread.name);
      // Of a thread's messages none replies to one of its channel's.
      return { channelId: threadId, reference: {} };
    } catch (error) {
      if (toPlatformError(error).retryable) throw error;
      this.#hasNoThread = true;
      return { channelId, reference };
    }
  }

  /** @returns undefined where the answer comes in no thread of its own */
  #threadId(): string | undefined {
    const { chat, replyTo = '', replyHandle, opensThread } = this.#place;
    const isPossible = chat.kind === 'group' && chat.threadId === undefined && isSnowflake(replyTo);
    if (opensThread === undefined || !isPossible || this.#hasNoThread) return undefined;
    return replyHandle === undefined ? replyTo : undefined;
  }

  /** Whether the first response is this answer's, and no message with a button. */
  async #isOwn(handle: ReplyHandle): Promise<boolean> {
    const original = await this.#theOriginal(handle);
    if (original === undefined) return false;
    const { replyTo = '' } = this.#place;
    const own = handle.interactionId === undefined ? '' : INTERACTION + handle.interactionId;
    const isAnswerToIt = own === '' ? replyTo.startsWith(INTERACTION) : replyTo === own;
    return isThinking(original) || isAnswerToIt;
  }

  /** As it was when it was first asked for. @returns undefined where it is gone */
  #theOriginal(handle: ReplyHandle): Promise<WireMessage | undefined> {
    this.#original ??= this.#tools.api.original(handle).catch((error: unknown) => {
      if (toPlatformError(error).code === 'gone') return undefined;
      this.#original = undefined;
      throw error;
    });
    return this.#original;
  }

  #usable(): ReplyHandle | undefined {
    const isOver = this.#isOver || this.#tools.now() >= this.#since + TOKEN_MS;
    return isOver ? undefined : this.#handle;
  }

  /**
   * Whether nothing can be sent or changed here but with the interaction's token. So it is with a
   * handle that can't be read: what it is for may be meant for one person.
   */
  #needsToken(): boolean {
    return this.#place.replyHandle !== undefined && !this.#isLasting();
  }

  #isLasting(): boolean {
    return this.#handle?.canSend === true && !this.#handle.ephemeral;
  }

  #noteEnd(error: unknown): void {
    if (toPlatformError(error).code === 'expired') this.#isOver = true;
  }

  #issuedAt(): number {
    const { replyTo = '' } = this.#place;
    const named = replyTo.startsWith(INTERACTION) ? replyTo.slice(INTERACTION.length) : '';
    const id = this.#handle?.interactionId ?? named;
    return isSnowflake(id) ? timeOf(id).getTime() : this.#tools.now();
  }
}

function inChannel(body: Body): Body {
  return { ...body, components: withoutNewConversation(body.components) };
}

/** “… is thinking”: deferred, with nothing said yet. */
export function isThinking({ flags }: WireMessage): boolean {
  return (flags & MessageFlags.Loading) !== 0;
}

export function expired(): PlatformError {
  return new PlatformError('expired', 'The interaction can not be answered any more');
}
