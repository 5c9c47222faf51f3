/** The buttons "New conversation" and "Stop" below an answer in a group. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { asked, loggedErrors } from '../support/people.ts';
import { channel, type Shown } from '../support/scripted-platform.ts';
import { createScriptedWorld, type ScriptedWorld } from '../support/scripted-world.ts';
import { waitFor } from '../support/wait-for.ts';

let world: ScriptedWorld;
beforeAll(async () => {
  world = await createScriptedWorld();
});
afterAll(() => world.close());

const below = (chatId: string, id: string, action: string): Shown => ({
  id,
  kind: 'answer',
  chatId,
  threadId: undefined,
  markdown: '',
  buttons: [{ label: 'it', action }],
  onlyFor: undefined,
  replyHandle: undefined,
});

test('an answer is stopped by the person who asked, and by nobody else', async () => {
  const { chat, openai, database } = world;
  const here = channel('stopping');
  openai.script([{ hang: true }]);
  const messageId = await chat.says('ann', here, 'question about quince');
  await waitFor(() => asked(world, 'quince').length === 1);
  // As a platform's reply records the message that grows.
  await database.db.execute(sql`
    insert into deliveries (turn_id, part, message_id)
    select turn_id, 0, '77' from inbox where message_id = ${messageId}`);
  const button = below(here.chatId, '77', 'run:stop');
  await chat.presses('bob', button, 'it', { replyHandle: 'b' });
  expect((await chat.reads('bob', here, /Only the person who asked/)).onlyFor).toBe('bob');
  const status = async () =>
    (await database.db.execute(sql`select status, outcome from turns`))[0] ?? {};
  expect(await status()).toMatchObject({ status: 'running' });
  await chat.presses('ann', button, 'it', { replyHandle: 'a' });
  await waitFor(async () => (await status()).outcome === 'stopped');
  expect((await chat.reads('ann', here, /^Stopping\.$/)).onlyFor).toBe('ann');
});

test('a new conversation begins where the button is pressed', async () => {
  const { chat, openai } = world;
  openai.script((question) => `Answer to: ${question.replace(/<[^>]*>/g, ' ')}`);
  const [here, there] = [channel('new-1', 'thread'), channel('new-2', 'thread')];
  for (const place of [here, there]) {
    await chat.says('ann', place, `remember papaya of ${place.chatId}`);
    await chat.reads('ann', place, /papaya/);
  }
  await chat.presses('ann', { ...below(here.chatId, '78', 'run:new'), threadId: 'thread' }, 'it', {
    replyHandle: 'c',
  });
  await chat.reads('ann', here, /A new conversation/);
  for (const place of [here, there]) {
    await chat.says('ann', place, `what now in ${place.chatId}?`);
    await chat.reads('ann', place, /what now/);
  }
  expect(JSON.stringify(asked(world, 'what now in new-1')[0]?.body)).not.toContain('papaya');
  expect(JSON.stringify(asked(world, 'what now in new-2')[0]?.body)).toContain('papaya of new-2');
  expect(loggedErrors(world)).toEqual([]);
});
