/** Discord is down for a minute: its REST interface, and its gateway. */

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createDiscordTown } from '../crash/discord-town.ts';
import { waitFor } from '../support/wait-for.ts';
import { askNext, FAULT_ENV, setFaultStage } from './stage.ts';

const MINUTE = 60_000;

test('Discord answers 429 and 5xx for a minute, and breaks connections, the gateway’s too', async (context) => {
  const place = await createDiscordTown({ people: 16, env: FAULT_ENV });
  const stage = setFaultStage(context, place);
  const { random } = stage;
  const { discord } = place;
  await stage.supervise('bot', { env: { ROLE: 'bot' } });
  await stage.supervise('worker', { env: { ROLE: 'worker' } });
  // What is missed in a chat that was never spoken in is nowhere looked for.
  for (const person of place.people) askNext(place, person);
  await waitFor(() => place.answered() === place.people.length, { timeoutMs: 60_000 });
  const load = stage.load(300);
  const by = (share: number) => () => {
    const strikes = random.between(0, 1) < share;
    if (strikes) stage.struck();
    return strikes;
  };
  for (const rule of [
    { retryAfter: 1 },
    { retryAfter: 5 },
    { retryAfter: 1, scope: 'global' as const },
    { status: 500 },
    { status: 502 },
    { status: 504 },
    { dropBefore: true },
    { dropAfter: true },
  ]) {
    discord.fail({ route: /./, when: by(0.12), ...rule });
  }
  const breaks = [
    () => discord.gateway.drop(),
    () => discord.gateway.reconnect(),
    () => discord.gateway.invalidateSessions(true),
    () => discord.gateway.invalidateSessions(),
    () => discord.gateway.endSession(0),
  ];
  const until = performance.now() + MINUTE;
  for (let round = 0; performance.now() < until; round += 1) {
    await sleep(random.between(2_000, 6_000));
    breaks[round % breaks.length]?.();
    stage.struck();
  }
  discord.clearFaults();
  await load.stop();
  const counted = await stage.settle();
  // Each message bears a nonce: nobody has to be told that something may stand twice.
  expect(counted.unknown).toBe(0);
  expect(discord.gateway.resumes).toBeGreaterThan(0);
  expect(discord.gateway.identifies).toBeGreaterThan(1);
});
