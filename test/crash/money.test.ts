/** What turns cost when processes die, and when nobody wants their answers any more. */

import { expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { waitFor } from '../support/wait-for.ts';
import { createTown } from './town.ts';

test('kill -9 in the middle passes no cap, and leaves nothing reserved', {
  concurrent: true,
  timeout: 80_000,
}, async ({ onTestFinished }) => {
  // Enough for two turns at a time, and for five that are settled at all that they reserved.
  const house = 100_000;
  const place = await createTown({
    people: 6,
    env: { HOUSE_DAILY_USD: String(house / 1_000_000), FREE_DAILY_MESSAGES: '1' },
  });
  onTestFinished(() => place.close());
  place.behave = () => ({ chunkDelayMs: 100 });
  const spent = async () => {
    const [row] = await place.world.database.db.execute<{ spent: number; reserved: number }>(
      sql`select coalesce(sum(spent_micros), 0)::int as spent,
                 coalesce(sum(reserved_micros), 0)::int as reserved from budgets where holder_kind = 'house'`,
    );
    return row ?? { spent: 0, reserved: 0 };
  };
  for (const number of [1, 2]) {
    const latchkey = await place.start();
    const before = place.asked.size;
    place.askAll(number);
    await waitFor(() => place.asked.size >= before + 2 || place.answered() > 8, {
      timeoutMs: 15_000,
      what: 'that two more questions are asked',
    });
    const { spent: sofar, reserved } = await spent();
    expect(sofar + reserved).toBeLessThanOrEqual(house);
    await latchkey.kill();
  }
  place.behave = () => ({});
  await place.start();
  await place.settled();
  await place.expectBooksClosed();
  expect((await spent()).spent).toBeLessThanOrEqual(house);
  const days = await place.world.database.db.execute<{ turns: number }>(
    sql`select turns from budgets where holder_kind = 'user'`,
  );
  expect(Math.max(...days.map(({ turns }) => turns))).toBeLessThanOrEqual(1);
  // Everybody was answered, or told what is used up.
  expect(place.answered()).toBe(12);
  const refused = [...place.replies().values()]
    .flat()
    .filter((said) => /nothing|used|given away/.test(said));
  expect(refused.length).toBeGreaterThan(0);
});

test('what waits for a user who blocks the bot is cancelled, and costs nothing', {
  concurrent: true,
  timeout: 80_000,
}, async ({ onTestFinished }) => {
  const place = await createTown({ people: 1 });
  onTestFinished(() => place.close());
  place.behave = () => ({ hangAfter: 4 });
  await place.world.start();
  place.askAll(1, 2, 3);
  await waitFor(async () => place.shown().size === 1 && (await place.openTurns()) === 3, {
    timeoutMs: 15_000,
  });
  place.world.telegram.block(place.first);
  await place.settled();
  expect([...place.asked.keys()]).toEqual([`${place.first.id}-1`]);
  expect(place.world.openai.requests.map((r) => r.aborted)).toEqual([true]);
  const turns = await place.world.database.db.execute(
    sql`select status, called_at is null as free from turns order by id`,
  );
  expect([...turns]).toEqual([
    { status: 'cancelled', free: false },
    { status: 'cancelled', free: true },
    { status: 'cancelled', free: true },
  ]);
  expect(place.told(place.first)).toEqual([]);
  await place.expectBooksClosed();
});
