/** kill -9 at the moments at which it is hardest to know what has been done already. */

import { describe, expect, onTestFinished, test } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import { createTown, INTERRUPTED, REPEAT } from './town.ts';

describe('kill -9 at its worst', () => {
  test('in the sends, before the provider’s first word, amid its words, unconfirmed, and blocked while down', async () => {
    const place = await createTown({ people: 6 });
    onTestFinished(() => place.close());
    const { telegram } = place.world;
    const [inSend, afterSend, asked, streaming, unconfirmed, blocks] = place.people;
    if (!inSend || !afterSend || !asked || !streaming || !unconfirmed || !blocks) throw new Error();
    const to = (person: { id: number }) => (payload: Readonly<Record<string, unknown>>) =>
      Number(payload.chat_id) === person.id;
    telegram.fail({ method: 'sendMessage', when: to(inSend), hang: true });
    telegram.fail({ method: 'sendMessage', when: to(afterSend), dropAfter: true, times: 1 });
    telegram.fail({ method: 'sendMessage', when: to(afterSend), hang: true });
    // No update is ever confirmed: all of them come again after the restart.
    telegram.fail({
      method: 'getUpdates',
      when: ({ offset }) => offset !== undefined && Number(offset) > 0,
      dropBefore: true,
    });
    place.behave = (name) => {
      if (name === `${asked.id}-1`) return { hang: true };
      return [streaming, blocks].some(({ id }) => name === `${id}-1`) ? { hangAfter: 4 } : {};
    };
    const first = await place.start();
    place.askAll(1);
    const attempted = (person: { id: number }) =>
      telegram.callsOf('sendMessage').some((call) => to(person)(call.payload));
    await waitFor(
      () =>
        attempted(inSend) &&
        place.told(afterSend).length === 1 &&
        place.told(unconfirmed).length === 1 &&
        place.asked.has(`${asked.id}-1`) &&
        [streaming, blocks].every(({ id }) => place.shown().has(`${id}-1`)),
      { timeoutMs: 15_000, what: 'that everybody is where they are to be' },
    );
    await first.kill();
    expect(telegram.pendingUpdates().length).toBeGreaterThanOrEqual(place.people.length);

    telegram.clearFaults();
    telegram.block(blocks);
    place.behave = () => ({});
    await place.start();
    await place.settled();
    const said = (person: { id: number }) => place.replies().get(`${person.id}-1`) ?? [];
    expect(said(inSend)).toEqual([expect.stringMatching(REPEAT)]);
    expect(said(afterSend)).toEqual([
      expect.not.stringMatching(REPEAT),
      expect.stringMatching(REPEAT),
    ]);
    expect(said(asked)).toEqual([expect.stringMatching(/END$/)]);
    expect(said(streaming)).toEqual([expect.stringMatching(INTERRUPTED)]);
    expect(said(unconfirmed)).toEqual([expect.stringMatching(/END$/)]);
    expect(said(blocks)).toEqual([]);
    // What had shown nothing is asked again; nothing else is.
    for (const person of place.people) {
      expect(place.asked.get(`${person.id}-1`)).toBe(person === asked ? 2 : 1);
    }
    await place.expectBooksClosed();
  }, 60_000);
});
