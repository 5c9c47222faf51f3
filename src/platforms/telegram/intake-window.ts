/**
 * The updates that Telegram has sent and Latchkey has not confirmed. They are handled in order for
 * each chat and at once for different chats; the offset that confirms them never passes one that
 * is not handled. One that fails is tried again, later ones of its chat wait for it, and the other
 * chats go on.
 */

import type { PlatformEvent } from '../../chat/message.ts';
import { chatKey } from '../../chat/message.ts';
import { backoffMs } from '../../chat/sending/backoff.ts';
import { describe } from './errors.ts';
import type { TelegramLogger } from './logger.ts';
import type { Reading } from './update-reader.ts';

/**
 * After so many failures, between each two of which some other update was handled, it is the
 * update that can't be handled and not the storage that is down.
 */
const FAILURES_WHILE_OTHERS_PASS = 5;

interface Entry {
  state: 'running' | 'handled' | 'failed';
  retryAt: number;
  failures: number;
  /** Failures since which some other update was handled. */
  hopeless: number;
  handledBefore: number;
}

export interface WindowOptions {
  readonly handle: (event: PlatformEvent) => Promise<void>;
  /** Tells the sender of an update that is given up. */
  readonly giveUp: (event: PlatformEvent) => Promise<void>;
  readonly logger: TelegramLogger;
  /** Milliseconds before a failed update is tried again, at first; it doubles up to 15 s. */
  readonly retryMs: number;
  /** Ends the taking in: what has not begun is left to the next start. */
  readonly signal: AbortSignal;
}

export class IntakeWindow {
  readonly #options: WindowOptions;
  readonly #entries = new Map<number, Entry>();
  readonly #running = new Set<Promise<void>>();
  #handledCount = 0;
  /** The next update to ask for; undefined: the oldest that Telegram has. */
  offset: number | undefined;

  constructor(options: WindowOptions) {
    this.#options = options;
  }

  /** Whether everything that was taken in is handled. */
  get clear(): boolean {
    return this.#entries.size === 0;
  }

  /** Starts what is new or due in a batch, oldest first. */
  take(batch: readonly Reading[]): void {
    const lanes = new Map<string, Extract<Reading, { kind: 'event' }>[]>();
    const blocked = new Set<string>();
    for (const reading of batch) {
      const { updateId } = reading;
      const known = updateId === undefined ? undefined : this.#entries.get(updateId);
      if (known?.state === 'handled') continue;
      if (reading.kind === 'malformed') {
        this.#options.logger.warn({ updateId }, 'dropped an update of an unknown shape');
      }
      if (reading.kind !== 'event') {
        if (updateId !== undefined) this.#entry(updateId).state = 'handled';
        continue;
      }
      const lane = laneOf(reading.event);
      const due =
        known === undefined || (known.state === 'failed' && known.retryAt <= performance.now());
      if (!due || blocked.has(lane)) {
        blocked.add(lane);
        continue;
      }
      lanes.set(lane, [...(lanes.get(lane) ?? []), reading]);
    }
    for (const readings of lanes.values()) {
      for (const { updateId } of readings) this.#entry(updateId).state = 'running';
      const run = this.#runLane(readings).finally(() => this.#running.delete(run));
      this.#running.add(run);
    }
  }

  /** Moves the offset past what is handled. @param batch the newest one, from Telegram's oldest on */
  confirm(batch: readonly Reading[]): void {
    for (const { updateId } of batch) {
      if (updateId === undefined) continue;
      if (this.#entries.get(updateId)?.state !== 'handled') return;
      this.#entries.delete(updateId);
      this.offset = updateId + 1;
    }
  }

  /** Resolves when nothing is being handled. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** @returns whether it settled in that time */
  async settledWithin(ms: number): Promise<boolean> {
    if (this.#running.size === 0) return true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), ms);
    });
    const settled = await Promise.race([this.settled().then(() => true), late]);
    clearTimeout(timer);
    return settled;
  }

  async #runLane(readings: readonly Extract<Reading, { kind: 'event' }>[]): Promise<void> {
    for (const [index, { updateId, event }] of readings.entries()) {
      if (this.#options.signal.aborted) {
        for (const left of readings.slice(index)) this.#entries.delete(left.updateId);
        return;
      }
      const entry = this.#entry(updateId);
      try {
        await this.#options.handle(event);
        entry.state = 'handled';
        this.#handledCount += 1;
      } catch (error) {
        await this.#failed(updateId, entry, event, error);
        if (entry.state === 'handled') continue;
        for (const later of readings.slice(index + 1)) this.#entries.delete(later.updateId);
        return;
      }
    }
  }

  async #failed(updateId: number, entry: Entry, event: PlatformEvent, error: unknown) {
    const { logger, giveUp, retryMs } = this.#options;
    if (entry.failures > 0 && this.#handledCount > entry.handledBefore) entry.hopeless += 1;
    entry.failures += 1;
    entry.handledBefore = this.#handledCount;
    if (entry.hopeless >= FAILURES_WHILE_OTHERS_PASS) {
      logger.error({ updateId, ...describe(error) }, 'gave an update up: only this one fails');
      await giveUp(event).catch((failure: unknown) => {
        logger.warn(describe(failure), 'could not tell the sender that a message was given up');
      });
      entry.state = 'handled';
      return;
    }
    const waitMs = backoffMs(entry.failures - 1, retryMs, 15_000);
    entry.state = 'failed';
    entry.retryAt = performance.now() + waitMs;
    logger.warn(
      { updateId, ...describe(error), waitMs },
      'handling an update failed; trying again',
    );
  }

  #entry(updateId: number): Entry {
    const known = this.#entries.get(updateId);
    if (known !== undefined) return known;
    const made: Entry = {
      state: 'running',
      retryAt: 0,
      failures: 0,
      hopeless: 0,
      handledBefore: this.#handledCount,
    };
    this.#entries.set(updateId, made);
    return made;
  }
}

function laneOf(event: PlatformEvent): string {
  switch (event.type) {
    case 'message':
    case 'edit':
      return chatKey(event.message.chat);
    case 'button':
      // A press is answered by itself, whatever else is going on in the chat.
      return `press:${event.press.sender.platformUserId}`;
    case 'stop':
      return `stop:${chatKey(event.chat)}`;
    case 'migrated':
      return chatKey(event.from);
    case 'closed':
    case 'deleted':
      return chatKey(event.chat);
  }
}
