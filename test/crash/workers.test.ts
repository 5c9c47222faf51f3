/** Several processes that share the work. */

import { describe, expect, onTestFinished, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { waitFor } from '../support/wait-for.ts';
import { oneOfTwoWorkersKilled } from './scenarios.ts';
import { createTown, INTERRUPTED, type Town } from './town.ts';

test('one process that takes in and two that answer, one of them killed: one turn of a user at a time, in order, none lost', {
  timeout: 120_000,
}, async ({ onTestFinished }) => {
  await oneOfTwoWorkersKilled('postgres', onTestFinished);
});

describe('a worker that is stopped for longer than its lease, and continued', () => {
  test('neither sends nor settles anything of the turns that another one took over', async () => {
    const place = await createTown({ people: 3 });
    onTestFinished(() => place.close());
    const [streams, waits, sends] = place.people;
    if (!streams || !waits || !sends) throw new Error();
    const toSends = (payload: Readonly<Record<string, unknown>>) =>
      Number(payload.chat_id) === sends.id;
    const { telegram } = place.world;
    const sendings = () => telegram.callsOf('sendMessage').filter((c) => toSends(c.payload)).length;
    // One attempt to send waits as long as Telegram asks for; that of the other worker hangs.
    telegram.fail({ method: 'sendMessage', when: toSends, retryAfter: 3, times: 1 });
    telegram.fail({ method: 'sendMessage', when: toSends, hang: true });
    place.behave = (name) => {
      if (name === `${sends.id}-1`) return {};
      return name === `${streams.id}-1` ? { chunkDelayMs: 400 } : { delayMs: 8_000 };
    };
    await place.start({ env: { ROLE: 'bot' } });
    const stalled = await place.start({ env: { ROLE: 'worker' } });
    place.askAll(1);
    await waitFor(
      () =>
        place.shown().has(`${streams.id}-1`) &&
        place.asked.has(`${waits.id}-1`) &&
        sendings() === 1,
      { timeoutMs: 10_000 },
    );
    stalled.signal('SIGSTOP');
    place.behave = () => ({});
    await place.start({ env: { ROLE: 'worker' } });
    await waitFor(async () => sendings() === 2 && (await place.openTurns()) === 1, {
      timeoutMs: 20_000,
      what: 'that the other worker goes on with everything',
    });
    const before = { replies: [...place.replies()], turns: await turnsOf(place) };
    stalled.signal('SIGCONT');
    await stalled.logs(/(taken over.*){3}/s);
    // What it still had to say would have been said by its end.
    stalled.signal('SIGTERM');
    expect(await stalled.ended()).toBe(0);
    expect({ replies: [...place.replies()], turns: await turnsOf(place) }).toEqual(before);
    expect(sendings()).toBe(2);
    const said = (person: { id: number }) => place.replies().get(`${person.id}-1`) ?? [];
    expect(said(streams)).toEqual([expect.stringMatching(INTERRUPTED)]);
    expect(said(waits)).toEqual([expect.stringMatching(/END$/)]);
    await place.expectBooksClosed({ open: 1 });
  }, 60_000);
});

async function turnsOf({ world }: Town) {
  return [
    ...(await world.database.db.execute(
      sql`select id, attempt, status, outcome, cost_micros, finished_at, worker from turns order by id`,
    )),
  ];
}
