/** Messages that are not taken in, when the process dies before it can say so. */

import { expect, onTestFinished, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { waitFor } from '../support/wait-for.ts';
import { createTown } from './town.ts';

test('kill -9 before a full mailbox was told of: the sender is told after the restart, once', async () => {
  const place = await createTown({ people: 2, env: { MAILBOX_LIMIT: '2' } });
  onTestFinished(() => place.close());
  const { telegram, database } = place.world;
  const [confirmed, unconfirmed] = place.people;
  if (!confirmed || !unconfirmed) throw new Error();
  place.behave = () => ({ hang: true });
  const refusals = async () => {
    const rows = await database.db.execute(sql`select 1 from inbox where outcome = 'refused'`);
    return rows.length;
  };
  const first = await place.start();
  for (const number of [1, 2, 3, 4, 5]) place.ask(confirmed, number);
  await waitFor(async () => (await refusals()) === 3 && telegram.pendingUpdates().length === 0);
  telegram.fail({
    method: 'getUpdates',
    when: ({ offset }) => offset !== undefined,
    dropBefore: true,
  });
  await first.kill();

  // A process that dies between writing the refusal down and beginning to tell of it.
  for (const number of [1, 2, 3]) place.ask(unconfirmed, number);
  telegram.clearFaults();
  telegram.fail({
    method: 'getUpdates',
    when: ({ offset }) => Number(offset) > 0,
    dropBefore: true,
  });
  const second = await place.start();
  await waitFor(async () => (await refusals()) === 4);
  await second.kill();
  await database.db.execute(sql`
    update inbox set outcome = 'turn', turn_id = 1000000, handler = null, handled_at = null
    where outcome = 'refused' and platform_chat_id = ${String(unconfirmed.id)}`);
  telegram.clearFaults();
  place.behave = () => ({});
  await place.start();
  await place.settled();
  const notices = (person: typeof confirmed) =>
    place.told(person).filter((said) => /did not take in|dropped/.test(said));
  await waitFor(() => notices(confirmed).length > 0 && notices(unconfirmed).length > 0, {
    timeoutMs: 10_000,
    what: 'that both are told',
  });
  await waitFor(async () => {
    const rows = await database.db.execute(
      sql`select 1 from inbox where outcome = 'refused' and handled_at is null`,
    );
    return rows.length === 0;
  });
  expect(notices(confirmed)).toHaveLength(1);
  expect(notices(unconfirmed)).toHaveLength(1);
  expect(place.asked.has(`${unconfirmed.id}-3`)).toBe(false);
}, 40_000);
