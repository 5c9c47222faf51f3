/**
 * Which messages belong together: chunks of one text that Telegram split, albums, and a comment
 * with what is forwarded below it. A message that is none of these gets no hint and waits for
 * nothing.
 *
 * A comment can't be told from any other message until its forward is there. With long polling the
 * two often come in one batch, which {@link MergeHints.lookAhead} sees before its messages are
 * handled. Where they come apart (webhooks, or two polls) the comment has gone ahead, and the
 * forward is a message of its own; only forwards dated within a second of one that was merged
 * still join it.
 *
 * What was hinted for a message is remembered, so that a redelivered one gets the same hint.
 */

import type { Addressed, IncomingMessage } from '../../chat/message.ts';
import { Recent } from '../../chat/sending/recent.ts';
import type { WireMessage } from './wire.ts';

/** Telegram's clients split at 4096, but at a blank where there is one. UTF-16 units. */
const NEAR_LIMIT = 4000;
const SPLIT_WAIT_MS = 1000;
/** Seconds between the dates of two chunks of one text. */
const SPLIT_GAP = 2;
const ALBUM_WAIT_MS = 800;
const FORWARD_WAIT_MS = 500;
/** Seconds between the dates of a comment and of what is forwarded with it. */
const FORWARD_GAP = 1;
const REMEMBERED = 2000;

type Merge = NonNullable<IncomingMessage['merge']>;

interface Chunk {
  readonly messageId: number;
  readonly date: number;
  readonly addressed: Addressed;
  /** The short chunk that ended the text. */
  readonly endedBy?: number;
}

interface Forward {
  readonly messageId: number;
  readonly date: number;
  readonly merge: Merge;
}

export class MergeHints {
  readonly #chunks = new Recent<string, Chunk>(REMEMBERED);
  readonly #forwards = new Recent<string, Forward>(REMEMBERED);
  readonly #hints = new Recent<string, Merge>(REMEMBERED);
  readonly #albums = new Recent<string, Addressed>(REMEMBERED);

  /** @param batch messages of persons, in the order in which they will be handled */
  lookAhead(batch: readonly WireMessage[], addressedOf: (message: WireMessage) => Addressed): void {
    const chains = new Map<string, WireMessage[]>();
    for (const message of batch) {
      if (message.media_group_id !== undefined) this.#noteAlbum(message, addressedOf(message));
      if (message.chat.type !== 'private') continue;
      const place = placeOf(message);
      const chain = chains.get(place);
      const last = chain?.at(-1);
      if (chain !== undefined && last !== undefined && isForwardedWith(message, last)) {
        chain.push(message);
      } else {
        this.#noteChain(chain);
        chains.set(place, [message]);
      }
    }
    for (const chain of chains.values()) this.#noteChain(chain);
  }

  /** Adds what is known about the message's belonging; its wait, and whom the whole is for. */
  apply(message: WireMessage, incoming: IncomingMessage): IncomingMessage {
    const { media_group_id: album } = message;
    const hint = this.#hints.get(keyOf(message)) ?? this.#laterForward(message) ?? albumHint(album);
    if (album !== undefined) this.#noteAlbum(message, incoming.addressed);
    if (hint !== undefined) {
      const addressed = album === undefined ? undefined : this.#albums.get(albumOf(message, album));
      return { ...incoming, ...inherited(incoming, addressed), merge: hint };
    }
    return this.#asChunk(message, incoming);
  }

  #asChunk(message: WireMessage, incoming: IncomingMessage): IncomingMessage {
    const place = placeOf(message);
    const length = message.text?.length ?? 0;
    const before = this.#chunks.get(place);
    const follows = before !== undefined && continues(message, before);
    if (!follows && length < NEAR_LIMIT) return incoming;
    const whole = {
      ...incoming,
      ...inherited(incoming, follows ? before.addressed : undefined),
      merge: { key: `split:${message.chat.id}:${message.from?.id ?? 0}`, waitMs: SPLIT_WAIT_MS },
    };
    const { message_id: messageId, date } = message;
    if (length >= NEAR_LIMIT) {
      this.#chunks.set(place, { messageId, date, addressed: whole.addressed });
    } else if (before !== undefined) {
      this.#chunks.set(place, { ...before, endedBy: messageId });
    }
    return whole;
  }

  #laterForward(message: WireMessage): Merge | undefined {
    const merged = this.#forwards.get(placeOf(message));
    if (message.forward_origin === undefined || merged === undefined) return undefined;
    if (message.message_id < merged.messageId || message.date - merged.date > FORWARD_GAP) {
      return undefined;
    }
    this.#noteForward(message, merged.merge);
    return merged.merge;
  }

  #noteChain(chain: readonly WireMessage[] | undefined): void {
    const [first, ...rest] = chain ?? [];
    if (first === undefined || rest.length === 0) return;
    const known = [first, ...rest].map((message) => this.#hints.get(keyOf(message)));
    // Members of an album that come later know its key, and no other.
    const album = [first, ...rest].find((message) => message.media_group_id !== undefined);
    const hint = known.find((one) => one !== undefined) ??
      albumHint(album?.media_group_id) ?? {
        key: `forward:${first.message_id}`,
        waitMs: FORWARD_WAIT_MS,
      };
    for (const message of [first, ...rest]) this.#noteForward(message, hint);
  }

  #noteForward(message: WireMessage, merge: Merge): void {
    this.#hints.set(keyOf(message), merge);
    const { message_id: messageId, date } = message;
    this.#forwards.set(placeOf(message), { messageId, date, merge });
  }

  /** Mostly one picture of an album has the caption that addresses the bot, and all are meant. */
  #noteAlbum(message: WireMessage, addressed: Addressed): void {
    if (message.media_group_id === undefined || addressed === 'none') return;
    this.#albums.set(albumOf(message, message.media_group_id), addressed);
  }
}

function albumHint(album: string | undefined): Merge | undefined {
  return album === undefined ? undefined : { key: `album:${album}`, waitMs: ALBUM_WAIT_MS };
}

/** What follows an addressed message is addressed too, though not a command of its own. */
function inherited(
  incoming: IncomingMessage,
  addressed: Addressed | undefined,
): Pick<IncomingMessage, 'addressed'> {
  if (incoming.addressed !== 'none' || addressed === undefined) return incoming;
  return { addressed: addressed === 'command' ? 'mention' : addressed };
}

function continues(message: WireMessage, before: Chunk): boolean {
  return (
    message.text !== undefined &&
    message.forward_origin === undefined &&
    !startsWithCommand(message) &&
    message.message_id > before.messageId &&
    message.message_id <= (before.endedBy ?? Number.POSITIVE_INFINITY) &&
    message.date - before.date <= SPLIT_GAP
  );
}

function isForwardedWith(message: WireMessage, before: WireMessage): boolean {
  return (
    message.forward_origin !== undefined &&
    Math.abs(message.date - before.date) <= FORWARD_GAP &&
    (before.forward_origin !== undefined ||
      (before.text !== undefined && !startsWithCommand(before)))
  );
}

function startsWithCommand({ entities }: WireMessage): boolean {
  return entities?.some(({ type, offset }) => type === 'bot_command' && offset === 0) ?? false;
}

const placeOf = ({ chat, from, message_thread_id: topic }: WireMessage) =>
  `${chat.id}/${topic ?? ''}:${from?.id ?? 0}`;
const keyOf = ({ chat, message_id }: WireMessage) => `${chat.id}:${message_id}`;
const albumOf = ({ chat }: WireMessage, album: string) => `${chat.id}:${album}`;
