/** The queue of updates that wait for the bot, and long polling on it. */

import type { Update } from 'grammy/types';
import { conflict } from './api-error.ts';

/** An update before it has its number. */
export type NewUpdate = Omit<Update, 'update_id'>;

interface Entry {
  readonly update: Update;
  /** Put here again after it was confirmed: its number says nothing about that. */
  readonly again: boolean;
  sent: boolean;
}

interface Poll {
  readonly offset: number;
  readonly limit: number;
  readonly end: (outcome: readonly Update[] | Error) => void;
}

/**
 * Never sent unless asked for by name. Telegram itself includes the last two in its default; a
 * bot that needs them should say so.
 */
const ON_REQUEST = [
  'chat_member',
  'message_reaction',
  'message_reaction_count',
  'my_chat_member',
  'stopped_message_generation',
];

export class UpdateQueue {
  #entries: Entry[] = [];
  #lastId = 870_000_000;
  /** Empty: the default. */
  #allowed: readonly string[] = [];
  #poll: Poll | undefined;
  /** Called when there is something new. */
  onPush: () => void = () => {};

  get allowed(): readonly string[] {
    return this.#allowed;
  }

  get pending(): readonly Update[] {
    return this.#entries.map((entry) => entry.update);
  }

  /** Without a list, the one before stays. It concerns updates that come later. */
  allow(types: readonly string[] | undefined): void {
    if (types !== undefined) this.#allowed = types;
  }

  /** Unwanted kinds get a number too, and are lost. */
  push(update: NewUpdate): Update {
    this.#lastId += 1;
    const numbered: Update = { update_id: this.#lastId, ...update };
    if (this.#wants(numbered)) {
      this.#entries.push({ update: numbered, again: false, sent: false });
      this.#wake();
    }
    return numbered;
  }

  pushAgain(update: Update): void {
    this.#entries.unshift({ update, again: true, sent: false });
    this.#wake();
  }

  /** What there is to send; a positive offset confirms what has smaller numbers. */
  take(offset: number, limit: number): Update[] {
    if (offset > 0) {
      this.#entries = this.#entries.filter((entry) =>
        entry.again ? !entry.sent : entry.update.update_id >= offset,
      );
    } else if (offset < 0) {
      this.#entries = this.#entries.slice(offset);
    }
    const taken = this.#entries.slice(0, limit);
    for (const entry of taken) entry.sent = true;
    return taken.map((entry) => entry.update);
  }

  confirm(update: Update): void {
    const index = this.#entries.findIndex((entry) => entry.update === update);
    if (index >= 0) this.#entries.splice(index, 1);
  }

  clear(): void {
    this.#entries = [];
  }

  /**
   * @param timeout in seconds
   * @throws BotApiError when another request takes over, or a webhook is set
   */
  async poll(
    request: { readonly offset: number; readonly limit: number; readonly timeout: number },
    signal: AbortSignal,
  ): Promise<readonly Update[]> {
    const ready = this.take(request.offset, request.limit);
    if (ready.length > 0 || request.timeout <= 0) return ready;
    this.interrupt(
      'terminated by other getUpdates request; make sure that only one bot instance is running',
    );
    return new Promise((resolve, reject) => {
      const giveUp = () => poll.end([]);
      const timer = setTimeout(giveUp, request.timeout * 1000);
      const poll: Poll = {
        ...request,
        end: (outcome) => {
          clearTimeout(timer);
          signal.removeEventListener('abort', giveUp);
          if (this.#poll === poll) this.#poll = undefined;
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome);
        },
      };
      this.#poll = poll;
      signal.addEventListener('abort', giveUp);
    });
  }

  /** Ends a waiting request with an error. */
  interrupt(reason: string): void {
    this.#poll?.end(conflict(reason));
  }

  #wants(update: Update): boolean {
    const type = updateType(update);
    return this.#allowed.length === 0 ? !ON_REQUEST.includes(type) : this.#allowed.includes(type);
  }

  /** Everything that is pushed in one go is sent together. */
  #wake(): void {
    setImmediate(() => {
      this.onPush();
      const poll = this.#poll;
      if (poll === undefined) return;
      const updates = this.take(poll.offset, poll.limit);
      if (updates.length > 0) poll.end(updates);
    });
  }
}

export function updateType(update: Update): string {
  return Object.keys(update).find((key) => key !== 'update_id') ?? '';
}
