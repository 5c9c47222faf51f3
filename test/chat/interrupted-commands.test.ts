/** Whose command a process that died had begun: where they are told, and how it is clear who is meant. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { botMessages, botSays, takenIn, textOf } from '../support/people.ts';
import { waitFor } from '../support/wait-for.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const RESTARTED = /I was restarted/;

/** As a process leaves it that dies in the middle of these commands, a minute ago. */
async function dieAtWork(): Promise<void> {
  await world.database.db.execute(sql`
    update inbox set handled_at = null, handler = 'of one that died',
      received_at = now() - interval '1 minute' where turn_id is null`);
}

test('in a topic it is told there, in a group and a private chat there, in reply where others read', async () => {
  const { telegram, database } = world;
  const user = telegram.addUser({ first_name: 'Tess' });
  const group = telegram.group({ title: 'Forum', forum: true, members: [user] });
  const topic = telegram.topic(group, 'Code');
  const own = telegram.privateChat(user);

  const app = await world.start();
  const inTopic = telegram.say(group, user, '/new', { message_thread_id: topic });
  const inGroup = telegram.say(group, user, '/new');
  telegram.say(own, user, '/new');
  await waitFor(async () => {
    const rows = await database.db.execute(sql`select 1 from inbox where handled_at is not null`);
    return rows.length === 3;
  });
  // Or the updates come again, and the commands are carried out instead.
  await takenIn(world);
  await app.stop();
  await dieAtWork();

  await world.start();
  await botSays(world, own, RESTARTED);
  const there = await botSays(world, group, RESTARTED, { thread: topic });
  expect(there.reply_to_message?.message_id).toBe(inTopic.message_id);
  const outside = () =>
    botMessages(world, group).filter(
      (m) => RESTARTED.test(textOf(m)) && m.message_thread_id === undefined,
    );
  await waitFor(() => outside().length > 0);
  expect(outside().map((m) => m.reply_to_message?.message_id)).toEqual([inGroup.message_id]);
});
