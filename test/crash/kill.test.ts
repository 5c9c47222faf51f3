/** kill -9 of the one process, whatever it is doing. */

import { describe, expect, test } from 'vitest';
import { hasRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait-for.ts';
import { createTown } from './town.ts';

describe.each(['postgres', 'redis'] as const)(
  'kill -9, with the queue on %s',
  { concurrent: true, timeout: 80_000 },
  (backend) => {
    test.skipIf(backend === 'redis' && !hasRedis())(
      'while answers stream, wait and are sent: each message has one answer, or a word on why not',
      async ({ onTestFinished }) => {
        const place = await createTown({ backend, people: 12 });
        onTestFinished(() => place.close());
        // The first ones are through quickly, the second ones stream when the process dies.
        place.behave = (name) => ({ chunkDelayMs: name.endsWith('-1') ? 5 : 150 });
        const first = await place.start({ entry: 'main' });
        place.askAll(1, 2, 3);
        await waitFor(() => place.answered() >= 8 && place.shown().size > 3, { timeoutMs: 30_000 });
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
    );
  },
);
