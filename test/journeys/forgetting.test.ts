/** /forget, as a person on Telegram lives through it. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Chat, User } from 'grammy/types';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { dataKeys } from '../../src/db/schema.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { botMessages, botSays, loggedErrors, madeKey, takenIn, textOf } from '../support/people.ts';
import { waitFor } from '../support/wait-for.ts';
import { rowsNaming } from '../users/somebody.ts';

let world: World;
let ada: User;
let chat: Chat.PrivateChat;
beforeEach(async () => {
  world = await createWorld();
  ada = world.telegram.addUser({ first_name: 'Ada' });
  chat = world.telegram.privateChat(ada);
});
afterEach(() => world.close());

const say = (text: string) => world.telegram.say(chat, ada, text);
const known = () => rowsNaming(world.database.db, String(ada.id));

test('every part of a long message goes', async () => {
  const file = join(world.env.DATA_DIR ?? '', 'privacy.md');
  const paragraph = `${'All of this is kept. '.repeat(60)}\n\n`;
  await writeFile(file, `${paragraph.repeat(8)}The end.`);
  await world.start({ PRIVACY_FILE: file });
  say('/privacy');
  await botSays(world, chat, /The end\./);
  const parts = botMessages(world, chat).length;
  expect(parts).toBeGreaterThan(2);
  say('/keys');
  await botSays(world, chat, /no key/i);
  const { question } = await confirm();
  await botSays(world, chat, new RegExp(`I deleted ${parts + 1} messages of mine`));
  expect(botMessages(world, chat).map(({ message_id: id }) => id)).toEqual([question.message_id]);
  expect(loggedErrors(world)).toEqual([]);
});

test('what the bot said without being asked goes too', async () => {
  await world.close();
  world = await createWorld({ retentionEveryMs: 200 });
  ada = world.telegram.addUser({ first_name: 'Ada' });
  chat = world.telegram.privateChat(ada);
  await world.start();
  say(`/setkey ${world.openai.keys.add('valid', madeKey())}`);
  await botSays(world, chat, /Saved/);
  await world.database.db.execute(sql`update api_keys set expires_at = now()`);
  await botSays(world, chat, /As you wished, I have forgotten your OpenAI key/);
  await waitFor(async () => {
    const noted = await world.database.db.execute(sql`select from sent_notices`);
    return noted.length === 2;
  });
  const { question } = await confirm();
  await botSays(world, chat, /I deleted 2 messages of mine/);
  expect(botMessages(world, chat).map(({ message_id: id }) => id)).toEqual([question.message_id]);
  expect(loggedErrors(world)).toEqual([]);
});

async function confirm() {
  say('/forget');
  const question = await botSays(world, chat, /Forget everything about you\?/);
  return { question, press: world.telegram.press(question, 'Forget everything', ada) };
}

test('forgets keys, words and answers, tells how many of its messages it deleted, and begins anew', async () => {
  await world.start();
  const key = world.openai.keys.add('valid', madeKey());
  say(`/setkey ${key}`);
  await botSays(world, chat, /Saved/);
  say('question one');
  await botSays(world, chat, /You asked: question one/);
  say('question two');
  await botSays(world, chat, /You asked: question two/);

  const { question } = await confirm();
  expect(textOf(question)).toContain(`OpenAI …${key.slice(-4)}`);
  expect(textOf(question)).toContain('2 questions');
  const done = await botSays(world, chat, /I deleted 3 messages of mine/);
  expect(done.message_id).toBe(question.message_id);
  expect(textOf(done)).toMatch(/Your own messages are still there/);
  // The key’s hint, the answers and the question of /forget itself: this alone is left.
  expect(botMessages(world, chat)).toHaveLength(1);
  expect(world.telegram.callsOf('deleteMessages')).toHaveLength(1);
  expect(await known()).toEqual({});

  say('/keys');
  await botSays(world, chat, /no key/i);
  say('question three');
  await botSays(world, chat, /You asked: question three/);
  const last = world.openai.completions().at(-1);
  expect(last?.headers.authorization).not.toContain(key);
  expect(JSON.stringify(last?.body)).not.toContain('question one');
  expect(loggedErrors(world)).toEqual([]);
});

test('pressed again, the button says that it is done, and makes nobody known', async () => {
  await world.start();
  say('question');
  await botSays(world, chat, /You asked/);
  const { press } = await confirm();
  world.telegram.redeliver(press);
  await botSays(world, chat, /^Forgotten\. Should you/);
  world.telegram.redeliver(press);
  await takenIn(world);
  await world.telegram.waitFor(() =>
    world.telegram
      .callsOf('answerCallbackQuery')
      .some((call) => call.payload.text === 'You are forgotten already.'),
  );
  expect(await known()).toEqual({});
  expect(loggedErrors(world)).toEqual([]);
});

test('a running answer stops, what waits is dropped, and neither leaves a word', async () => {
  world.openai.script([{ text: 'word '.repeat(2_000), chunkDelayMs: 20 }]);
  await world.start();
  say('a long one');
  await world.telegram.waitFor(() => (world.telegram.draft(chat)?.text.length ?? 0) > 20);
  say('and this one waits');
  await takenIn(world);
  await confirm();
  await botSays(world, chat, /^Forgotten\. Should you/);
  await waitFor(async () => {
    const running = await world.database.db.execute(`select 1 from turns`);
    return running.length === 0;
  });
  expect(await known()).toEqual({});
  // The mailbox is free: whoever comes back is answered, and only they.
  say('who am I?');
  await botSays(world, chat, /You asked: who am I/);
  const said = botMessages(world, chat).map(textOf).join('\n');
  expect(said).not.toContain('word word');
  expect(said).not.toContain('this one waits');
  expect(loggedErrors(world)).toEqual([]);
});

test('a process that hears of a forgetting elsewhere drops the opened data key at once', async () => {
  await world.start();
  say('question one');
  await botSays(world, chat, /You asked: question one/);
  const { db } = world.database;
  const [row] = await db.delete(dataKeys).returning();
  // The control: as long as it has heard nothing, the key in memory serves.
  say('/new');
  await botSays(world, chat, /new conversation/);
  say('question two');
  await botSays(world, chat, /You asked: question two/);
  expect(await db.select().from(dataKeys)).toEqual([]);

  await db.execute(sql`select pg_notify('latchkey_forgotten', ${String(row?.userId)})`);
  say('/new');
  say('question three');
  await botSays(world, chat, /You asked: question three/);
  const fresh = await db.select().from(dataKeys);
  expect(fresh).toHaveLength(1);
  expect(fresh[0]?.wrapped).not.toEqual(row?.wrapped);
});

test('what it says in the end is not noted either, where the question can’t be edited', async () => {
  await world.start();
  say('question');
  await botSays(world, chat, /You asked/);
  world.telegram.fail({
    method: 'editMessageText',
    status: 400,
    description: 'Bad Request: BUTTON_DATA_INVALID',
  });
  await confirm();
  await botSays(world, chat, /^Forgotten\. Should you/);
  await waitFor(async () => Object.keys(await known()).length === 0);
});

test('today’s allowance stays used', async () => {
  await world.start({ FREE_DAILY_MESSAGES: '1' });
  say('question one');
  await botSays(world, chat, /You asked: question one/);
  await confirm();
  await botSays(world, chat, /^Forgotten\. Should you/);
  say('question two');
  await botSays(world, chat, /free message for today is used/);
  expect(world.openai.completions()).toHaveLength(1);
});

test('in a group it leads to the private chat', async () => {
  await world.start();
  const group = world.telegram.group({ title: 'Group', members: [ada] });
  world.telegram.say(group, ada, '/forget');
  const there = await botSays(world, group, /is for our private chat/);
  expect(world.telegram.buttons(there)[0]?.url).toMatch(/start=forget$/);
  say('/start forget');
  await botSays(world, chat, /Forget everything about you\?/);
});

test('messages that Telegram refuses to delete are counted as left', async () => {
  await world.start();
  say('question one');
  await botSays(world, chat, /You asked: question one/);
  say('question two');
  const second = await botSays(world, chat, /You asked: question two/);
  const refusal = { status: 400, description: "Bad Request: message can't be deleted" };
  world.telegram.fail({ method: 'deleteMessages', ...refusal });
  world.telegram.fail({
    method: 'deleteMessage',
    ...refusal,
    when: ({ message_id }) => Number(message_id) === second.message_id,
  });
  await confirm();
  const done = await botSays(world, chat, /^Forgotten\. Should you/);
  expect(textOf(done)).toContain('I deleted 1 message of mine');
  expect(textOf(done)).toContain('One message of mine remains');
});
