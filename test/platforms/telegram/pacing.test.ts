import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Pacing } from '../../../src/platforms/telegram/pacing.ts';

const RATES = { perSecond: 1000, chatIntervalMs: 60, chatBurst: 2, groupPerMinute: 20 };
const ANN = { chatId: '7', kind: 'direct' } as const;
const BEN = { chatId: '8', kind: 'direct' } as const;
const GROUP = { chatId: '-1', kind: 'group' } as const;

async function milliseconds(task: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await task();
  return performance.now() - start;
}

async function turns(pacing: Pacing, chat: typeof ANN | typeof BEN | typeof GROUP, count: number) {
  for (let i = 0; i < count; i += 1) await pacing.turn(chat);
}

describe('messages to a chat', () => {
  test('go at once when it was quiet', async () => {
    const pacing = new Pacing(RATES);
    expect(await milliseconds(() => turns(pacing, ANN, 2))).toBeLessThan(40);
  });

  test('keep the interval when there are many', async () => {
    const pacing = new Pacing(RATES);
    expect(await milliseconds(() => turns(pacing, ANN, 5))).toBeGreaterThanOrEqual(170);
  });

  test('do not wait for those to another chat', async () => {
    const pacing = new Pacing(RATES);
    const busy = turns(pacing, ANN, 6);
    expect(await milliseconds(() => turns(pacing, BEN, 2))).toBeLessThan(40);
    await busy;
  });

  test('go in the order of asking', async () => {
    const pacing = new Pacing(RATES);
    const order: number[] = [];
    await Promise.all([0, 1, 2, 3].map((i) => pacing.turn(ANN).then(() => order.push(i))));
    expect(order).toEqual([0, 1, 2, 3]);
  });

  test('are held back as long as Telegram asks', async () => {
    const pacing = new Pacing(RATES);
    pacing.hold(ANN, 120);
    expect(pacing.tryEdit(ANN)).toBe(false);
    expect(pacing.mayHint(ANN)).toBe(false);
    expect(await milliseconds(() => pacing.turn(ANN))).toBeGreaterThanOrEqual(110);
  });

  test('are given up when their turn would come too late', async () => {
    const pacing = new Pacing(RATES);
    pacing.hold(ANN, 60_000);
    const waitMs = await pacing.turn(ANN, performance.now() + 1000);
    expect(waitMs).toBeGreaterThan(50_000);
    expect(await pacing.turn(BEN, performance.now() + 1000)).toBe(0);
  });
});

test('a clock that is set back by hours holds nobody up', async () => {
  const pacing = new Pacing(RATES);
  await turns(pacing, ANN, 2);
  const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() - 3 * 3_600_000);
  onTestFinished(() => clock.mockRestore());
  expect(await pacing.turn(ANN, performance.now() + 1000)).toBe(0);
  expect(await pacing.turn(BEN, performance.now() + 1000)).toBe(0);
});

describe('a group', () => {
  const rates = { ...RATES, chatIntervalMs: 0 };

  test('gets twenty messages a minute', async () => {
    let now = 1_000_000;
    const pacing = new Pacing(rates, () => now);
    await turns(pacing, GROUP, 20);
    expect(await pacing.turn(GROUP, now + 59_000)).toBe(60_000);
    now += 60_001;
    expect(await pacing.turn(GROUP, now)).toBe(0);
  });

  test('has some of them kept for answers while edits show progress', () => {
    const pacing = new Pacing(rates, () => 1_000_000);
    const edits = Array.from({ length: 20 }, () => pacing.tryEdit(GROUP));
    expect(edits.filter(Boolean)).toHaveLength(15);
  });
});

test('all chats together keep the common rate', async () => {
  const pacing = new Pacing({ ...RATES, perSecond: 50 });
  const many = Array.from({ length: 60 }, (_, i) => ({ chatId: `${i}`, kind: 'direct' as const }));
  const took = await milliseconds(() => Promise.all(many.map((chat) => pacing.turn(chat))));
  expect(took).toBeGreaterThanOrEqual(180);
  expect(took).toBeLessThan(2000);
});
