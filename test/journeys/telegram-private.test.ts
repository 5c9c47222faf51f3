/** What a person sees in the private chat on Telegram, from the first message on. */

import { randomBytes } from 'node:crypto';
import type { Message, User } from 'grammy/types';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { createWorld, type World } from '../support/latchkey.ts';

let world: World;
let alice: User;

beforeEach(async () => {
  world = await createWorld();
  alice = world.telegram.addUser({ first_name: 'Alice', username: 'alice' });
});
afterEach(() => world.close());

const chat = () => world.telegram.privateChat(alice);
const say = (text: string) => world.telegram.say(chat(), alice, text);
const fromBot = () => world.telegram.messages(chat()).filter((m) => m.from?.is_bot === true);
const textOf = (message: Message | undefined) => message?.text ?? '';

async function botSays(what: RegExp, timeoutMs = 10_000): Promise<Message> {
  return world.telegram.waitFor(() => fromBot().findLast((m) => what.test(textOf(m))), {
    timeoutMs,
  });
}

const answers = () =>
  fromBot()
    .flatMap((m) => /You asked: question (\d+)/.exec(textOf(m))?.[1] ?? [])
    .map(Number);

function madeKey(): string {
  return ['sk', 'proj', randomBytes(36).toString('base64url')].join('-');
}

describe('a newcomer', () => {
  test('is greeted, and told what the house gives and how to bring a key', async () => {
    await world.start();
    say('/start');
    const greeting = await botSays(/Latchkey/);
    expect(textOf(greeting)).toMatch(/20 messages a day/);
    expect(textOf(greeting)).toMatch(/\/setkey/);
  });

  test('gets an answer from the house key, as a lasting message with its code block', async () => {
    world.openai.script([{ text: 'Like this:\n\n```ts\nconst a = 1;\n```\n' }]);
    await world.start();
    say('How do I declare a constant?');
    const answer = await botSays(/Like this/);
    expect(answer.entities).toMatchObject([{ type: 'pre', language: 'ts' }]);
    expect(answer.reply_to_message?.text ?? 'How do I').toMatch(/How do I/);
  });

  test('sees the answer grow, then stand', async () => {
    world.openai.script([{ text: 'word '.repeat(60), chunkDelayMs: 25 }]);
    await world.start();
    say('Go');
    await world.telegram.waitFor(() => (world.telegram.draft(chat())?.text.length ?? 0) > 20);
    const answer = await botSays(/word/);
    expect(textOf(answer).match(/word/g)).toHaveLength(60);
    expect(world.telegram.draft(chat())).toBeUndefined();
  });

  test('is asked to bring a key when the allowance is used up', async () => {
    await world.start({ FREE_DAILY_MESSAGES: '2' });
    for (const question of ['one', 'two', 'three']) say(question);
    const notice = await botSays(/free messages for today are used/);
    expect(world.telegram.buttons(notice).map((b) => b.label)).toContain('Use my own key');
    expect(world.openai.requests.filter((r) => r.path.includes('completions'))).toHaveLength(2);
  });

  test('is remembered: what was said before is context, until /new', async () => {
    await world.start();
    say('My name is Zanzibar');
    await botSays(/Zanzibar/);
    say('second');
    await botSays(/second/);
    const bodies = () =>
      world.openai.requests
        .filter((r) => r.path.includes('completions'))
        .map((r) => JSON.stringify(r.body));
    expect(bodies().at(-1)).toContain('Zanzibar');
    say('/new');
    await botSays(/new conversation/i);
    say('third');
    await botSays(/third/);
    expect(bodies().at(-1)).not.toContain('Zanzibar');
  });
});

describe('bringing a key', () => {
  test('the message is deleted first, then the key is checked, sealed and confirmed', async () => {
    await world.start();
    const key = world.openai.keys.add('valid', madeKey());
    const message = say(`/setkey ${key}`);
    const saved = await botSays(/Saved: your OpenAI key/);
    expect(textOf(saved)).toContain(key.slice(-4));
    expect(world.telegram.messages(chat()).map((m) => m.message_id)).not.toContain(
      message.message_id,
    );
    const deleted = world.telegram.calls.findIndex((c) => c.method === 'deleteMessage');
    const told = world.telegram.calls.findIndex((c) => c.method === 'sendMessage');
    expect(deleted).toBeLessThan(told);
    say('Who pays?');
    await botSays(/Who pays/);
    const asked = world.openai.requests.findLast((r) => r.path.includes('completions'));
    expect(asked?.headers.authorization).toBe(`Bearer ${key}`);
    say('/usage');
    expect(textOf(await botSays(/This month/))).toMatch(/own key: 1 answer/);
  });

  test('guided: provider, page, then the key as the next message', async () => {
    await world.start();
    say('/setkey');
    const choice = await botSays(/Whose key/);
    world.telegram.press(choice, 'OpenAI', alice);
    await botSays(/Send me the key|send me the key/);
    say('wait, where is it?');
    await botSays(/does not look like a key/);
    expect(world.openai.requests.filter((r) => r.path.includes('completions'))).toHaveLength(0);
    const key = world.openai.keys.add('valid', madeKey());
    say(key);
    await botSays(/Saved: your OpenAI key/);
    say('hello');
    await botSays(/hello/);
  });

  test('a key that is pasted without /setkey goes to no model and waits behind a button', async () => {
    await world.start();
    const key = world.openai.keys.add('valid', madeKey());
    const pasted = say(`here: ${key}`);
    const offer = await botSays(/Shall I use it/);
    expect(world.telegram.messages(chat()).map((m) => m.message_id)).not.toContain(
      pasted.message_id,
    );
    expect(world.openai.requests).toHaveLength(0);
    world.telegram.press(offer, 'Use this key', alice);
    await botSays(/Saved: your OpenAI key/);
  });

  test('when deleting fails, the user is told to delete the message and to rotate the key', async () => {
    await world.start();
    world.telegram.fail({
      method: 'deleteMessage',
      status: 400,
      description: "Bad Request: message can't be deleted",
    });
    say(`/setkey ${world.openai.keys.add('valid', madeKey())}`);
    expect(textOf(await botSays(/Saved: your/))).toMatch(/could not delete.*delete it yourself/is);
  });

  test('a refused key is not kept, and a key that is refused later is paid by nobody', async () => {
    await world.start();
    say(`/setkey ${madeKey()}`);
    await botSays(/does not accept this key/);
    const key = world.openai.keys.add('valid', madeKey());
    say(`/setkey ${key}`);
    await botSays(/Saved/);
    world.openai.keys.set(key, 'revoked');
    say('hello?');
    await botSays(/refuses your key/);
    say('again?');
    await botSays(/^Not answered: OpenAI has refused your key/);
    expect(fromBot().filter((m) => /refuses your key/.test(textOf(m)))).toHaveLength(1);
    const house = world.openai.requests.filter(
      (r) => r.path.includes('completions') && r.headers.authorization !== `Bearer ${key}`,
    );
    expect(house).toHaveLength(0);
  });
});

describe('stopping', () => {
  test('/stop ends the provider’s call within a second and keeps what came', async () => {
    world.openai.script([{ text: 'tick '.repeat(500), chunkDelayMs: 20 }]);
    await world.start();
    say('count');
    await world.telegram.waitFor(() => (world.telegram.draft(chat())?.text.length ?? 0) > 5);
    const begun = performance.now();
    say('/stop');
    await world.telegram.waitFor(() => world.openai.requests.some((r) => r.aborted));
    expect(performance.now() - begun).toBeLessThan(1_000);
    expect(textOf(await botSays(/tick.*Stopped/s))).toMatch(/tick/);
  });

  test('so does Telegram’s own stop button', async () => {
    world.openai.script([{ text: 'tick '.repeat(500), chunkDelayMs: 20 }]);
    await world.start();
    say('count');
    await world.telegram.waitFor(() => (world.telegram.draft(chat())?.text.length ?? 0) > 5);
    world.telegram.pressStop(chat());
    await botSays(/tick.*Stopped/s);
    expect(world.openai.requests.some((r) => r.aborted)).toBe(true);
  });
});

describe('many messages', () => {
  test('50 at once: five wait, the others are refused in one notice, all in order', async () => {
    await world.start({ MAILBOX_LIMIT: '5', FREE_DAILY_MESSAGES: '100' });
    world.openai.script([{ delayMs: 8_000 }]);
    for (let i = 0; i < 50; i += 1) say(`question ${i}.`);
    await botSays(/waiting already; I dropped these 45/, 20_000);
    await world.telegram.waitFor(() => answers().length === 5, { timeoutMs: 20_000 });
    expect(answers()).toEqual([0, 1, 2, 3, 4]);
    say('question 51.');
    await world.telegram.waitFor(() => answers().length === 6);
  }, 40_000);

  test('an edited message that still waits is answered in its new words', async () => {
    await world.start();
    world.openai.script([{ text: 'first', delayMs: 1_000 }]);
    say('one');
    await world.telegram.waitFor(() => world.openai.requests.length > 0);
    const second = say('tow');
    await world.telegram.waitFor(() => world.telegram.pendingUpdates().length === 0);
    world.telegram.edit(second, 'two, edited');
    await botSays(/two, edited/);
  });

  test('a split text of 9,000 characters becomes one turn', async () => {
    await world.start();
    say(`${'lorem ipsum '.repeat(750)}end`);
    await botSays(/You asked/);
    expect(world.openai.requests.filter((r) => r.path.includes('completions'))).toHaveLength(1);
    expect(JSON.stringify(world.openai.requests.at(-1)?.body)).toContain('ipsum end');
  });

  test('two long texts that were sent apart are two turns, though the first still waits', async () => {
    await world.start();
    world.openai.script([{ text: 'slow', delayMs: 1_500 }]);
    say('one');
    await world.telegram.waitFor(() => world.openai.completions().length === 1);
    const { date } = say(`first ${'x'.repeat(4_080)}`);
    await world.telegram.waitFor(() => world.telegram.pendingUpdates().length === 0);
    // As if it had waited for a minute by now.
    await world.database.db.execute(sql`
      update turns set not_before = now() - interval '1 minute' where merge_key is not null`);
    world.telegram.say(chat(), alice, `second ${'y'.repeat(4_080)}`, { date: date + 60 });
    await world.telegram.waitFor(() => world.openai.completions().length === 3);
    const [, first, second] = world.openai.completions().map((r) => JSON.stringify(r.body));
    expect(first).toContain('first xxx');
    expect(first).not.toContain('yyy');
    expect(second).toContain('second yyy');
  });

  test('a comment and its forward become one turn, also when the comment has started alone', async () => {
    await world.start();
    world.openai.script([{ delayMs: 2_000, text: 'too early' }, { text: 'both read' }]);
    const comment = say('What does this do?');
    await world.telegram.waitFor(() => world.openai.completions().length === 1);
    world.telegram.say(chat(), alice, 'let x = 42;', {
      date: comment.date,
      forward_origin: { type: 'hidden_user', sender_user_name: 'Bob', date: comment.date },
    });
    await botSays(/both read/);
    const asked = JSON.stringify(world.openai.completions().at(-1)?.body);
    expect(asked).toContain('What does this do?');
    expect(asked).toMatch(/forwarded author=.{1,3}Bob/);
    expect(world.openai.completions()).toHaveLength(2);
    expect(world.openai.requests.some((r) => r.aborted)).toBe(true);
    expect(fromBot()).toHaveLength(1);
  });
});
