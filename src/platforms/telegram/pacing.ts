/**
 * Keeps what this process sends within Telegram's rates: about one message a second to a chat,
 * twenty a minute to a group, thirty a second in all (approximate, says Telegram). A chat that was
 * quiet may send a few at once. What has to arrive waits for its turn; edits and typing, which
 * only show progress, are left out instead, so that they never stand before it.
 */

import type { ChatAddress } from '../../chat/message.ts';
import { pause } from '../../chat/sending/backoff.ts';

export interface Rates {
  /** Messages a second, all chats together; as many may go at once. */
  readonly perSecond: number;
  /** Milliseconds between messages to one chat. */
  readonly chatIntervalMs: number;
  /** How many may go to a quiet chat at once. */
  readonly chatBurst: number;
  /** Messages a minute to a group, edits included. */
  readonly groupPerMinute: number;
}

export const TELEGRAM_RATES: Rates = {
  perSecond: 30,
  chatIntervalMs: 1000,
  chatBurst: 3,
  groupPerMinute: 20,
};

/** Of a group's messages a minute, how many are kept from edits. */
const KEPT_FOR_ANSWERS = 5;
const MINUTE = 60_000;
/** Chats that were quiet for a minute are forgotten once there are so many. */
const SWEEP_AT = 2000;

interface ChatPace {
  /** When the chat would be quiet again: the theoretical arrival time of the generic cell rate. */
  quietAt: number;
  /** Of a group: when each message of the last minute went. */
  sent: number[];
  /** Telegram asked to hold back until then. */
  heldUntil: number;
  /** Ends when the messages that were queued before have their turn. */
  queue: Promise<void>;
}

type Chat = Pick<ChatAddress, 'chatId' | 'kind'>;

export class Pacing {
  readonly #rates: Rates;
  readonly #now: () => number;
  readonly #chats = new Map<string, ChatPace>();
  #quietAt = 0;

  /** @param now of a clock that nobody sets: one that is set back would hold everybody up for as long */
  constructor(rates: Rates = TELEGRAM_RATES, now: () => number = () => performance.now()) {
    this.#rates = rates;
    this.#now = now;
  }

  /**
   * Waits until a message may be sent, in the order of asking.
   * @param untilMs a time of `performance.now`; when the turn would come later, it is given up
   * @returns the milliseconds still to wait, when given up; else 0
   */
  async turn(chat: Chat, untilMs = Number.POSITIVE_INFINITY): Promise<number> {
    const pace = this.#paceOf(chat);
    let release = () => {};
    const before = pace.queue;
    pace.queue = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    try {
      for (;;) {
        const waitMs = this.#waitMs(chat, pace, this.#rates.groupPerMinute);
        if (waitMs <= 0) break;
        if (this.#now() + waitMs > untilMs) return waitMs;
        await pause(waitMs);
      }
      this.#take(chat, pace);
      return 0;
    } finally {
      release();
    }
  }

  /** Whether an edit that only shows progress may go now. If so, it counts. */
  tryEdit(chat: Chat): boolean {
    const pace = this.#paceOf(chat);
    const most = Math.max(1, this.#rates.groupPerMinute - KEPT_FOR_ANSWERS);
    if (this.#waitMs(chat, pace, most) > 0) return false;
    this.#take(chat, pace);
    return true;
  }

  /** Whether a sign of life that counts for nothing may go now. */
  mayHint(chat: Chat): boolean {
    const { heldUntil } = this.#paceOf(chat);
    return heldUntil <= this.#now() && this.#globalWaitMs() <= 0;
  }

  /** Telegram asked to wait: nothing goes to the chat until then. */
  hold(chat: Chat, forMs: number): void {
    const pace = this.#paceOf(chat);
    pace.heldUntil = Math.max(pace.heldUntil, this.#now() + forMs);
  }

  #waitMs(chat: Chat, pace: ChatPace, groupMost: number): number {
    const now = this.#now();
    const { chatIntervalMs, chatBurst } = this.#rates;
    const waits = [
      pace.heldUntil - now,
      pace.quietAt - (chatBurst - 1) * chatIntervalMs - now,
      this.#globalWaitMs(),
    ];
    if (chat.kind === 'group') {
      pace.sent = pace.sent.filter((at) => at > now - MINUTE);
      const blocking = pace.sent.at(-groupMost);
      if (blocking !== undefined) waits.push(blocking + MINUTE - now);
    }
    return Math.ceil(Math.max(...waits));
  }

  #globalWaitMs(): number {
    const interval = 1000 / this.#rates.perSecond;
    return this.#quietAt - (this.#rates.perSecond - 1) * interval - this.#now();
  }

  #take(chat: Chat, pace: ChatPace): void {
    const now = this.#now();
    pace.quietAt = Math.max(pace.quietAt, now) + this.#rates.chatIntervalMs;
    this.#quietAt = Math.max(this.#quietAt, now) + 1000 / this.#rates.perSecond;
    if (chat.kind === 'group') pace.sent.push(now);
  }

  #paceOf({ chatId }: Chat): ChatPace {
    const known = this.#chats.get(chatId);
    if (known !== undefined) return known;
    if (this.#chats.size >= SWEEP_AT) this.#sweep();
    const made = { quietAt: 0, sent: [], heldUntil: 0, queue: Promise.resolve() };
    this.#chats.set(chatId, made);
    return made;
  }

  #sweep(): void {
    const quietSince = this.#now() - MINUTE;
    for (const [chatId, { quietAt, heldUntil }] of this.#chats) {
      if (Math.max(quietAt, heldUntil) < quietSince) this.#chats.delete(chatId);
    }
  }
}
