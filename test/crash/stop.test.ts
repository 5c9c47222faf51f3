/** What SIGTERM does to answers that are under way. */

import { expect, test } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import { createTown, INTERRUPTED } from './town.ts';

test('SIGTERM lets running answers end, exits with 0, and leaves what waits to the next start', {
  concurrent: true,
  timeout: 80_000,
}, async ({ onTestFinished }) => {
  const place = await createTown({ people: 4 });
  onTestFinished(() => place.close());
  place.behave = () => ({ chunkDelayMs: 200 });
  const first = await place.start({ entry: 'main' });
  place.askAll(1, 2);
  await waitFor(() => place.shown().size === 4, { timeoutMs: 10_000 });
  first.signal('SIGTERM');
  expect(await first.ended()).toBe(0);
  expect(place.answered()).toBe(4);
  expect(place.world.openai.requests.filter((r) => r.aborted)).toEqual([]);

  place.behave = () => ({});
  await place.start();
  await place.settled();
  place.expectOneReplyEach();
  place.expectOrder();
  expect([...place.asked.values()]).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  await place.expectBooksClosed();
});

test('an answer that does not end in time is closed with a word, and one that has not begun is given later', {
  concurrent: true,
  timeout: 80_000,
}, async ({ onTestFinished }) => {
  const place = await createTown({ people: 3 });
  onTestFinished(() => place.close());
  const [streams, waits, blocks] = place.people;
  if (!streams || !waits || !blocks) throw new Error();
  place.behave = (name) => (name === `${streams.id}-1` ? { hangAfter: 3 } : { hang: true });
  // Its answers get two seconds, not thirty.
  const first = await place.start();
  place.askAll(1);
  await waitFor(() => place.shown().size === 1 && place.asked.size === 3, { timeoutMs: 10_000 });
  first.signal('SIGTERM');
  expect(await first.ended()).toBe(0);
  const said = (person: { id: number }) => place.replies().get(`${person.id}-1`) ?? [];
  expect(said(streams)).toEqual([expect.stringMatching(INTERRUPTED)]);

  place.world.telegram.block(blocks);
  place.behave = () => ({});
  await place.start();
  await place.settled();
  expect(said(waits)).toEqual([expect.stringMatching(/END$/)]);
  expect(said(blocks)).toEqual([]);
  await place.expectBooksClosed();
});
