/** A platform that is down for a minute. */

import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'vitest';
import { openFaultStage } from './stage.ts';

const MINUTE = 60_000;

test('Telegram answers 429 and 5xx for a minute, and breaks connections', async (context) => {
  const stage = await openFaultStage(context);
  const { place, random } = stage;
  const { telegram } = place.world;
  await stage.supervise('bot', { env: { ROLE: 'bot' } });
  await stage.supervise('worker', { env: { ROLE: 'worker' } });
  const load = stage.load(300);
  const by = (share: number) => () => {
    const strikes = random.between(0, 1) < share;
    if (strikes) stage.struck();
    return strikes;
  };
  for (const rule of [
    { retryAfter: 1 },
    { retryAfter: 5 },
    { status: 500 },
    { status: 502 },
    { status: 504 },
    { dropBefore: true },
    { dropAfter: true },
  ]) {
    telegram.fail({ method: /./, when: by(0.15), ...rule });
  }
  await sleep(MINUTE);
  telegram.clearFaults();
  await load.stop();
  await stage.settle();
});
