/** Hands what happened in the terminal to the core: in order, and again when that failed. */

import { setTimeout as delay } from 'node:timers/promises';
import type { PlatformEvent } from '../../chat/message.ts';

/** In milliseconds before each attempt. An event that was taken in twice is one to the core. */
const ATTEMPTS = [0, 250, 1500];

export interface Delivery {
  begin(handle: (event: PlatformEvent) => Promise<void>): void;
  inOrder(event: PlatformEvent): void;
  /** Without waiting for what came before. */
  atOnce(event: PlatformEvent): void;
  /** Resolves when everything so far was taken in or given up. */
  idle(): Promise<void>;
}

/** @param failed called when the core could not take an event in */
export function createDelivery(failed: () => void): Delivery {
  let handle: ((event: PlatformEvent) => Promise<void>) | undefined;
  let queue: Promise<void> = Promise.resolve();
  const underway = new Set<Promise<void>>();

  async function deliver(event: PlatformEvent): Promise<void> {
    for (const wait of ATTEMPTS) {
      if (wait > 0) await delay(wait);
      try {
        await handle?.(event);
        return;
      } catch {
        // The core logs why; here it only counts that it did not work.
      }
    }
    failed();
  }

  return {
    begin(handler) {
      handle = handler;
    },
    inOrder(event) {
      queue = queue.then(() => deliver(event));
    },
    atOnce(event) {
      const delivering = deliver(event).finally(() => underway.delete(delivering));
      underway.add(delivering);
    },
    async idle() {
      await Promise.all([queue, ...underway]);
    },
  };
}
