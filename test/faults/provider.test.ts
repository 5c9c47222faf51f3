/** Providers that are slow, dead, and break off in the middle. */

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Behaviour } from '../fakes/behaviour.ts';
import { waitFor } from '../support/wait-for.ts';
import { askNext, openFaultStage } from './stage.ts';

test('a provider is slow, silent, refuses, resets in the middle, and sends rubbish', async (context) => {
  const stage = await openFaultStage(context);
  const { place, random } = stage;
  const ways: readonly (() => Behaviour)[] = [
    () => ({ chunkDelayMs: 10 }),
    () => ({ delayMs: random.between(500, 5_000) }),
    () => ({ silenceMs: random.between(500, 5_000) }),
    () => ({ chunkDelayMs: random.between(200, 500) }),
    () => ({ breakAfter: Math.floor(random.between(0, 8)) }),
    () => ({ truncateAfter: Math.floor(random.between(0, 8)) }),
    () => ({ garbageAfter: Math.floor(random.between(0, 8)) }),
    () => ({ errorAfter: { chunks: Math.floor(random.between(0, 8)), error: 'overloaded' } }),
    () => ({ fail: 'server-error' }),
    () => ({ fail: 'overloaded', retryAfter: 1 }),
    () => ({ fail: 'rate-limited', retryAfter: 1 }),
    () => ({ fail: 'html' }),
  ];
  place.behave = () => {
    const way = random.pick(ways)();
    if (!('chunkDelayMs' in way)) stage.struck();
    return way;
  };
  await stage.supervise('bot', { env: { ROLE: 'bot' } });
  await stage.supervise('worker', { env: { ROLE: 'worker' } });
  const load = stage.load();
  await waitFor(() => place.replies().size >= 150, { timeoutMs: 60_000 });
  await load.stop();
  await stage.settle(100_000);
});

test('a dead provider takes requests and never answers, then it is alive again', async (context) => {
  const stage = await openFaultStage(context, { people: 8 });
  const { place } = stage;
  await stage.supervise('all');
  place.behave = () => {
    stage.struck();
    return { hang: true };
  };
  for (const person of place.people) {
    askNext(place, person);
    askNext(place, person);
  }
  // Each waits for its first sign of life for a minute.
  await waitFor(() => place.answered() >= 8, { timeoutMs: 100_000, what: 'that all are told' });
  place.behave = () => ({});
  // The house looks again every half minute; until then, whoever asks is told.
  const isAnswered = () =>
    [...place.replies().values()].flat().some((said) => said.endsWith('END'));
  const deadline = performance.now() + 60_000;
  while (!isAnswered() && performance.now() < deadline) {
    askNext(place, stage.random.pick(place.people));
    await sleep(2_000);
  }
  expect(isAnswered()).toBe(true);
  for (const person of place.people) askNext(place, person);
  const { turns, refused } = await stage.settle();
  expect(turns - refused).toBeGreaterThan(place.people.length);
});
