/** Latchkey behind a webhook: updates that come out of order, in pieces, twice, or from a stranger. */

import type { Chat, Message, User } from 'grammy/types';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../src/db/embedded/free-port.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { asked, botMessages, botSays, loggedErrors, takenIn, textOf } from '../support/people.ts';

const SECRET = 'not-very-secret';
let world: World;
let address: string;
beforeAll(async () => {
  world = await createWorld();
  world.openai.script((question) => `Answer to: ${question.slice(0, 40)}`);
  const port = await freePort();
  address = `http://127.0.0.1:${port}/telegram`;
  await world.start({
    TELEGRAM_WEBHOOK_URL: address,
    TELEGRAM_WEBHOOK_SECRET: SECRET,
    HTTP_PORT: String(port),
  });
});
afterAll(() => world.close());

function someone(): { user: User; chat: Chat } {
  const user = world.telegram.addUser({ first_name: 'Somebody' });
  return { user, chat: world.telegram.privateChat(user) };
}

let updates = 90_000_000;
/** As Telegram posts it, or somebody who pretends to be Telegram. @returns the status */
async function post(update: object, secret = SECRET): Promise<number> {
  updates += 1;
  const response = await fetch(address, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-telegram-bot-api-secret-token': secret,
    },
    body: JSON.stringify({ update_id: updates, ...update }),
  });
  await response.arrayBuffer();
  return response.status;
}

/** Messages of one person, numbered and dated on from one that was said. */
const later = (said: Message, by: number, text: string) => ({
  message: { ...said, message_id: said.message_id + by, date: said.date + by, text },
});

test('is answered as by polling, pieces of one text in one turn', async () => {
  const { user, chat } = someone();
  world.telegram.say(chat, user, 'hello by webhook');
  await botSays(world, chat, /Answer to: hello by webhook/);
  world.telegram.say(chat, user, `pieces ${'lorem '.repeat(1_300)}end-of-pieces`);
  await botSays(world, chat, /Answer to: pieces/);
  expect(asked(world, 'end-of-pieces')).toHaveLength(1);
  expect(world.telegram.callsOf('getUpdates')).toEqual([]);
});

test('updates that arrive out of order are answered in the order in which Telegram dated them', async () => {
  const { user, chat } = someone();
  world.openai.script([{ text: 'slow', delayMs: 600 }]);
  const first = world.telegram.say(chat, user, 'the first');
  await world.telegram.waitFor(() => asked(world, 'the first').length === 1);
  for (const [by, text] of [
    [3, 'the fourth'],
    [1, 'the second'],
    [2, 'the third'],
  ] as const) {
    expect(await post(later(first, by, text))).toBe(200);
  }
  await botSays(world, chat, /the fourth/);
  expect(botMessages(world, chat).map(textOf)).toEqual([
    'slow',
    'Answer to: the second',
    'Answer to: the third',
    'Answer to: the fourth',
  ]);
});

test('an update that is sent again is answered once, whatever became of the first', async () => {
  const { user, chat } = someone();
  const first = world.telegram.say(chat, user, 'once only');
  const twice = { update_id: 91_000_000, ...later(first, 1, 'twice sent') };
  await botSays(world, chat, /once only/);
  expect(await Promise.all([post(twice), post(twice), post(twice)])).toEqual([200, 200, 200]);
  await botSays(world, chat, /twice sent/);
  expect(await post(twice)).toBe(200);
  const command = { update_id: 91_000_001, ...later(first, 2, '/new') };
  command.message.entities = [{ type: 'bot_command', offset: 0, length: 4 }];
  expect(await Promise.all([post(command), post(command)])).toEqual([200, 200]);
  world.telegram.say(chat, user, 'after both');
  await botSays(world, chat, /after both/);
  expect(asked(world, '"content":"twice sent')).toHaveLength(1);
  expect(botMessages(world, chat).filter((m) => /twice sent/.test(textOf(m)))).toHaveLength(1);
  expect(botMessages(world, chat).filter((m) => /A new conv/.test(textOf(m)))).toHaveLength(1);
});

test('who does not know the secret is not heard', async () => {
  const { user, chat } = someone();
  const said = world.telegram.say(chat, user, 'from Telegram');
  await botSays(world, chat, /from Telegram/);
  for (const secret of ['', 'wrong', `${SECRET}x`]) {
    expect(await post(later(said, 5, 'from a stranger'), secret)).toBe(401);
  }
  await takenIn(world);
  world.telegram.say(chat, user, 'from Telegram again');
  await botSays(world, chat, /from Telegram again/);
  expect(asked(world, 'from a stranger')).toHaveLength(0);
  expect(loggedErrors(world)).toEqual([]);
});
