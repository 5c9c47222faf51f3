/** Updates that come twice, late and in another order, to several bots. */

import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import { askNext, openFaultStage } from './stage.ts';

const SECRET = 'x-telegram-bot-api-secret-token';

interface Update {
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

test('updates come by webhook three times, in any order, to any of two bots', async (context) => {
  const stage = await openFaultStage(context, { people: 10 });
  const { place, random } = stage;
  let held: Update[] = [];
  // Stands in front of the bots: what it has taken from Telegram is its own to hand on.
  const balancer = createServer(async (request, response) => {
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += part;
    held.push({ body, headers: request.headers });
    response.end();
  });
  await new Promise<void>((resolve) => balancer.listen(0, '127.0.0.1', resolve));
  context.onTestFinished(async () => void balancer.close());
  const { port } = balancer.address() as AddressInfo;
  const env = {
    ROLE: 'bot',
    TELEGRAM_WEBHOOK_URL: `http://127.0.0.1:${port}/hook`,
    TELEGRAM_WEBHOOK_SECRET: 'only-for-this-test',
  };
  const bots = [
    await stage.supervise('bot 1', { env }),
    await stage.supervise('bot 2', { env }),
  ] as const;
  const worker = await stage.supervise('worker', { env: { ROLE: 'worker' } });
  const ports = bots.map((bot) => Number(/"httpPort":(\d+)/.exec(bot.output())?.[1]));

  const hand = async ({ body, headers }: Update) => {
    const answer = await fetch(`http://127.0.0.1:${random.pick(ports)}/hook`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', [SECRET]: String(headers[SECRET]) },
    });
    expect(answer.status).toBe(200);
  };
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
    held = [];
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
