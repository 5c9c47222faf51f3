/** Updates that come twice, late and in another order, to several bots. */

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import { type HeldUpdate, httpPortOf, startWebhookBalancer } from '../support/webhook-balancer.ts';
import { askNext, openFaultStage } from './stage.ts';

test('updates come by webhook three times, in any order, to any of two bots', async (context) => {
  const stage = await openFaultStage(context, { people: 10 });
  const { place, random } = stage;
  const balancer = await startWebhookBalancer();
  context.onTestFinished(async () => balancer.close());
  const { env, held } = balancer;
  const bots = [
    await stage.supervise('bot 1', { env }),
    await stage.supervise('bot 2', { env }),
  ] as const;
  const worker = await stage.supervise('worker', { env: { ROLE: 'worker' } });
  const ports = bots.map(httpPortOf);
  const hand = async (update: HeldUpdate) =>
    expect(await balancer.hand(update, random.pick(ports))).toBe(200);

  let asked = 0;
  for (let round = 0; round < 5; round++) {
    // Nobody is answered before all of a round is there: a turn that has begun is not reordered.
    worker.current()?.signal('SIGSTOP');
    for (let number = 0; number < 3; number++) {
      for (const person of place.people) askNext(place, person);
    }
    asked += 3 * place.people.length;
    await waitFor(() => held.length === 3 * place.people.length, { timeoutMs: 10_000 });
    const [first, ...later] = [random.shuffle(held), random.shuffle(held), random.shuffle(held)];
    held.length = 0;
    for (const update of first ?? []) await hand(update);
    worker.current()?.signal('SIGCONT');
    for (const again of later) {
      for (const update of again) {
        stage.struck();
        await hand(update);
        await sleep(random.between(0, 5));
      }
    }
    await place.settled(60_000);
  }
  const counted = await stage.settle();
  expect(counted.turns).toBe(asked);
  expect(counted.askedAgain).toBe(0);
});
