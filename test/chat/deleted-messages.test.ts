/** A question that its author deleted. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { asked, loggedErrors, promptOf } from '../support/people.ts';
import { channel, direct } from '../support/scripted-platform.ts';
import { createScriptedWorld, type ScriptedWorld } from '../support/scripted-world.ts';
import { waitFor } from '../support/wait-for.ts';

let world: ScriptedWorld;
beforeAll(async () => {
  world = await createScriptedWorld();
});
afterAll(() => world.close());

/** Keeps the person's mailbox busy until the returned function is called. */
async function busy(who: string): Promise<() => Promise<void>> {
  const { chat, openai } = world;
  openai.script([{ hang: true }]);
  await chat.says(who, direct(who), `long question of ${who}`);
  await waitFor(() => asked(world, `long question of ${who}`).length === 1);
  return () => chat.hears({ type: 'stop', chat: direct(who) });
}

const outcomeOf = async (messageId: string) => {
  const rows = await world.database.db.execute(sql`
    select t.status, t.outcome, t.funding, t.called_at, r.turn_id as reserved
    from inbox i join turns t on t.id = i.turn_id
    left join reservations r on r.turn_id = t.id where i.message_id = ${messageId}`);
  return rows[0];
};

test('is cancelled while it waits: it costs nothing, and what else waits is answered', async () => {
  const { chat } = world;
  const here = channel('deleted-1', 'thread');
  const goOn = await busy('ann');
  const gone = await chat.says('ann', here, 'question about kumquat');
  await chat.says('ann', here, 'question about quince');
  await chat.hears({ type: 'deleted', chat: here, messageId: gone });
  expect(await outcomeOf(gone)).toMatchObject({
    status: 'cancelled',
    outcome: 'deleted',
    funding: null,
    called_at: null,
    reserved: null,
  });
  await goOn();
  await chat.reads('ann', here, /quince/);
  expect(asked(world, 'kumquat')).toHaveLength(0);
  expect(chat.seenBy('ann', here)).toHaveLength(1);
});

test('is ended while it runs, where nothing was sent yet', async () => {
  const { chat, openai } = world;
  openai.script([{ hang: true }]);
  const gone = await chat.says('bob', channel('deleted-2'), 'question about papaya');
  await waitFor(() => asked(world, 'papaya').length === 1);
  await chat.hears({ type: 'deleted', chat: channel('deleted-2'), messageId: gone });
  await waitFor(async () => (await outcomeOf(gone))?.status === 'cancelled');
  expect(await outcomeOf(gone)).toMatchObject({ outcome: 'deleted' });
  expect(chat.seenBy('bob', channel('deleted-2'))).toEqual([]);
  const [open] = await world.database.db.execute(sql`select sum(open)::int as n from mailbox`);
  expect(open?.n).toBe(0);
});

test('goes on where part of the answer was shown', async () => {
  const { chat, openai } = world;
  openai.script([{ text: 'an answer about guava '.repeat(40), hangAfter: 4 }]);
  const here = channel('deleted-3');
  const gone = await chat.says('cleo', here, 'question about guava');
  const turn = async () => {
    const [row] = await world.database.db.execute<{ status: string; shown: boolean }>(sql`
      select t.status, t.answer is not null as shown
      from inbox i join turns t on t.id = i.turn_id where i.message_id = ${gone}`);
    return row;
  };
  await waitFor(async () => (await turn())?.shown);
  await chat.hears({ type: 'deleted', chat: here, messageId: gone });
  expect(await turn()).toEqual({ status: 'running', shown: true });
  await chat.hears({ type: 'stop', chat: here });
  await chat.reads('cleo', here, /about guava/);
});

test('leaves the other messages that became one turn with it', async () => {
  const { chat } = world;
  const goOn = await busy('dora');
  const merge = { key: 'split', waitMs: 0 };
  const here = channel('deleted-4');
  const parts: string[] = [];
  for (const text of ['part durian', 'part longan', 'part lychee']) {
    parts.push(await chat.says('dora', here, text, { merge }));
  }
  for (const messageId of parts.slice(0, 2)) {
    await chat.hears({ type: 'deleted', chat: here, messageId });
  }
  await goOn();
  await chat.reads('dora', here, /lychee/);
  const { said } = promptOf(asked(world, 'lychee')[0]?.body);
  expect(said).not.toMatch(/durian|longan/);
});

test('that nobody knows, or that was answered, changes nothing', async () => {
  const { chat } = world;
  const here = channel('deleted-5');
  const messageId = await chat.says('emma', here, 'question about mango');
  await chat.reads('emma', here, /mango/);
  for (const id of [messageId, 'unknown']) {
    await chat.hears({ type: 'deleted', chat: here, messageId: id });
    await chat.hears({ type: 'deleted', chat: channel('nowhere'), messageId: id });
  }
  await chat.says('emma', here, 'question about medlar');
  await chat.reads('emma', here, /medlar/);
  expect(loggedErrors(world)).toEqual([]);
});
