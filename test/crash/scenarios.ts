/** What has to hold on every backend of the queue, whichever suite has it run. */

import { expect } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { waitFor } from '../support/wait-for.ts';
import { supervise } from './supervised.ts';
import { type Backend, createTown, type Town } from './town.ts';

type AtTheEnd = (close: () => Promise<void>) => void;

export async function killedAmidAnswers(backend: Backend, onTestFinished: AtTheEnd): Promise<void> {
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
}

export async function cutFromPostgres(backend: Backend, onTestFinished: AtTheEnd): Promise<void> {
  const place = await createTown({ backend, people: 8 });
  onTestFinished(() => place.close());
  place.behave = () => ({ chunkDelayMs: 30 });
  // postgres.js 3.4.9 by itself would end the process when a connection breaks inside a
  // transaction (github.com/porsager/postgres/issues/1208).
  const all = await supervise(place, 'all');
  onTestFinished(() => all.stop());
  place.askAll(1, 2, 3);
  for (const answered of [3, 10]) {
    await waitFor(() => place.answered() >= answered, { timeoutMs: 30_000 });
    const cut = await place.world.database.db.execute(sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()
        and application_name <> 'test'`);
    expect(cut.length).toBeGreaterThan(3);
  }
  place.askAll(4);
  await place.settled();
  expect(place.answered()).toBe(32);
  // Whoever was being answered at a cut: whether that message stands was then not written down.
  place.expectOneReplyEach({ repeats: 12 });
  place.expectOrder();
  await place.expectBooksClosed();
  expect(all.ends).toEqual([]);
}

export async function oneOfTwoWorkersKilled(
  backend: Backend,
  onTestFinished: AtTheEnd,
): Promise<void> {
  const place = await createTown({ backend, people: 20 });
  onTestFinished(() => place.close());
  place.behave = () => ({ chunkDelayMs: 2 });
  // First, because it makes the key ring.
  await place.start({ env: { ROLE: 'bot' } });
  const [worker] = await Promise.all([
    place.start({ env: { ROLE: 'worker' } }),
    place.start({ env: { ROLE: 'worker' } }),
  ]);
  place.askAll(1, 2, 3);
  await waitFor(() => place.answered() > 15, { timeoutMs: 40_000, what: '15 answers' });
  await worker.kill();
  await place.settled(40_000);
  place.expectOneReplyEach({ repeats: 32 });
  place.expectOrder();
  expect(place.answered()).toBe(60);
  const names = pseudonyms(place);
  expect(names.size).toBe(20);
  for (const name of names) expect(place.world.openai.maxConcurrent(name)).toBe(1);
  await place.expectBooksClosed();
}

/** The house's names for its users, as the provider sees them. */
export function pseudonyms({ world }: Pick<Town, 'world'>): ReadonlySet<string> {
  return new Set(
    world.openai
      .completions()
      .flatMap(({ body }) =>
        typeof body === 'object' && body !== null && 'safety_identifier' in body
          ? String(body.safety_identifier)
          : [],
      ),
  );
}
