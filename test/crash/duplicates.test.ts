/** Updates that Telegram delivers more than once. */

import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../src/db/embedded/free-port.ts';
import { waitFor } from '../support/wait-for.ts';
import { createTown } from './town.ts';

test('an update that comes three times at once to each of two processes by webhook is one turn', async () => {
  const place = await createTown({ people: 4 });
  onTestFinished(() => place.close());
  const ports = [await freePort(), await freePort()];
  const secret = 'not-very-secret';
  const hook = (port = 0) => `http://127.0.0.1:${port}/telegram`;
  await Promise.all(
    ports.map((port) =>
      place.start({
        env: {
          TELEGRAM_WEBHOOK_URL: hook(port),
          TELEGRAM_WEBHOOK_SECRET: secret,
          HTTP_PORT: String(port),
        },
      }),
    ),
  );
  const { telegram } = place.world;
  place.behave = () => ({ delayMs: 300 });
  for (const person of place.people) telegram.redeliver(place.ask(person, 1));
  const update = {
    update_id: 77_000_000,
    message: {
      ...place.ask(place.first, 2),
      message_id: 77_000,
      text: `Q${place.first.id}-3?`,
    },
  };
  const statuses = await Promise.all(
    [...ports, ...ports, ...ports].map(async (port) => {
      const response = await fetch(hook(port), {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-telegram-bot-api-secret-token': secret,
        },
        body: JSON.stringify(update),
      });
      return response.status;
    }),
  );
  expect(statuses).toEqual([200, 200, 200, 200, 200, 200]);
  await waitFor(() => place.asked.size === 6, {
    timeoutMs: 15_000,
    what: 'that six questions are asked',
  });
  await place.settled();
  expect([...place.asked.values()]).toEqual([1, 1, 1, 1, 1, 1]);
  place.expectOneReplyEach();
  expect(place.replies().get(`${place.first.id}-3`)).toHaveLength(1);
}, 30_000);
