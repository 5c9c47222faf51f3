import { describe, expect, test, vi } from 'vitest';
import type { PlatformEvent } from '../../../src/chat/message.ts';
import { IntakeWindow } from '../../../src/platforms/telegram/intake-window.ts';
import type { Reading } from '../../../src/platforms/telegram/update-reader.ts';

const SILENT = { info: () => {}, warn: () => {}, error: () => {} };

function pressed(updateId: number, user: string): Extract<Reading, { kind: 'event' }> {
  const chat = { platform: 'telegram', chatId: user, kind: 'direct' } as const;
  const sender = { platformUserId: user, displayName: user };
  const press = { chat, sender, action: `${updateId}`, pressId: `${updateId}` };
  return { kind: 'event', updateId, event: { type: 'button', press } };
}

const idOf = (event: PlatformEvent) => (event.type === 'button' ? Number(event.press.action) : 0);

function open(handle: (id: number) => Promise<void>) {
  const givenUp: number[] = [];
  const window = new IntakeWindow({
    handle: (event) => handle(idOf(event)),
    giveUp: async (event) => {
      givenUp.push(idOf(event));
    },
    logger: SILENT,
    retryMs: 1,
    signal: new AbortController().signal,
  });
  /** One round: what Telegram still has is fetched again. */
  async function round(...batch: Reading[]) {
    const { offset = 0 } = window;
    const left = batch.filter(({ updateId = 0 }) => updateId >= offset);
    window.take(left);
    await window.settled();
    window.confirm(left);
  }
  return { window, givenUp, round };
}

describe('updates', () => {
  test('are confirmed up to the first that is not handled', async () => {
    const { window, round } = open(async (id) => {
      if (id === 2) throw new Error('down');
    });
    await round(pressed(1, 'a'), pressed(2, 'b'), pressed(3, 'c'));
    expect(window.offset).toBe(2);
    expect(window.clear).toBe(false);
  });

  test('of one chat stay in order, also when one fails', async () => {
    const handled: number[] = [];
    let isDown = true;
    const { window, round } = open(async (id) => {
      if (id === 1 && isDown) throw new Error('down');
      handled.push(id);
    });
    const batch = [pressed(1, 'a'), pressed(2, 'b'), pressed(3, 'a')];
    await round(...batch);
    expect(handled).toEqual([2]);
    isDown = false;
    await vi.waitUntil(async () => {
      await round(...batch);
      return handled.length === 3;
    });
    expect(handled).toEqual([2, 1, 3]);
    expect(window.offset).toBe(4);
    expect(window.clear).toBe(true);
  });

  test('of one chat do not wait for another that is slow', async () => {
    const handled: number[] = [];
    let finish = () => {};
    const slow = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { window } = open(async (id) => {
      if (id === 1) await slow;
      handled.push(id);
    });
    window.take([pressed(1, 'a'), pressed(2, 'b')]);
    await vi.waitUntil(() => handled.includes(2));
    window.take([pressed(1, 'a'), pressed(2, 'b'), pressed(3, 'c'), pressed(4, 'a')]);
    await vi.waitUntil(() => handled.includes(3));
    expect(handled).toEqual([2, 3]);
    finish();
    await window.settled();
    window.take([pressed(1, 'a'), pressed(2, 'b'), pressed(3, 'c'), pressed(4, 'a')]);
    await window.settled();
    expect(handled).toEqual([2, 3, 1, 4]);
  });

  test('that are malformed or concern nobody are confirmed', async () => {
    const { window, round } = open(async () => {});
    await round({ kind: 'malformed', updateId: 1 }, { kind: 'nothing', updateId: 2 });
    expect(window.offset).toBe(3);
  });
});

describe('an update that always fails', () => {
  test('is given up, and its sender told, when others pass all the while', async () => {
    const { window, givenUp, round } = open(async (id) => {
      if (id === 1) throw new Error('poison');
    });
    const batch = [pressed(1, 'a')];
    await vi.waitUntil(
      async () => {
        batch.push(pressed(batch.length + 1, 'b'));
        await round(...batch);
        return window.clear;
      },
      { timeout: 5000, interval: 5 },
    );
    expect(givenUp).toEqual([1]);
    expect(batch.length).toBeGreaterThan(6);
  });

  test('is never given up while everything fails', async () => {
    const tries = new Map<number, number>();
    const { window, givenUp, round } = open(async (id) => {
      tries.set(id, (tries.get(id) ?? 0) + 1);
      throw new Error('the database is down');
    });
    await vi.waitUntil(
      async () => {
        await round(pressed(1, 'a'), pressed(2, 'b'));
        return (tries.get(1) ?? 0) >= 9;
      },
      { timeout: 5000, interval: 5 },
    );
    expect(givenUp).toEqual([]);
    expect(window.offset).toBeUndefined();
  });
});
