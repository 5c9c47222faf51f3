/** kill -9 of the one process, whatever it is doing. */

import { describe, expect, onTestFinished, test } from 'vitest';
import { hasRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait-for.ts';
import { createTown, type TownOptions } from './town.ts';

async function town(options: TownOptions) {
  const made = await createTown(options);
  onTestFinished(() => made.close());
  return made;
}

describe.each(['postgres', 'redis'] as const)('kill -9, with the queue on %s', (backend) => {
  test.skipIf(backend === 'redis' && !hasRedis())(
    'while answers stream, wait and are sent: each message has one answer, or a word on why not',
    async () => {
      const place = await town({ backend, people: 12 });
      // The first ones are through quickly, the second ones stream when the process dies.
      place.behave = (name) => ({ chunkDelayMs: name.endsWith('-1') ? 5 : 150 });
      const first = await place.start({ entry: 'main' });
      place.askAll(1, 2, 3);
      await waitFor(() => place.answered() >= 8 && place.shown().size > 3, { timeoutMs: 15_000 });
      await first.kill();
      const shown = place.shown();
      place.behave = () => ({});
      await place.start();
      await place.settled();
      place.expectOneReplyEach({ repeats: 4 });
      place.expectOrder();
      for (const name of shown) expect(place.asked.get(name), name).toBe(1);
      await place.expectBooksClosed();
    },
    60_000,
  );
});
