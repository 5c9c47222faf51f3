/** One person on two platforms, Telegram and the terminal, through the whole of Latchkey. */

import { PassThrough } from 'node:stream';
import type { Message } from 'grammy/types';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createWorld, type World } from '../support/latchkey.ts';
import { asked, botMessages, botSays, loggedErrors, madeKey, textOf } from '../support/people.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld();
  world.openai.script((question) => `Answer to: ${question.replace(/<[^>]*>/g, ' ')}`);
});
afterEach(() => world.close());

async function sitDown() {
  const input = new PassThrough();
  const output = new PassThrough();
  let shown = '';
  output.setEncoding('utf8').on('data', (chunk: string) => {
    shown += chunk;
  });
  await world.start({ FREE_DAILY_MESSAGES: '6' }, { input, output, onExit: () => undefined });
  return {
    type: (text: string) => void input.write(`${text}\n`),
    /** Waits for something that was printed after the last thing that was waited for. */
    async sees(what: RegExp): Promise<string> {
      const found = await world.telegram
        .waitFor(() => what.exec(shown) ?? undefined, { timeoutMs: 10_000 })
        .catch(() => {
          throw new Error(`the terminal did not show ${what}, but:\n${shown}`);
        });
      const seen = shown.slice(0, found.index + found[0].length);
      shown = shown.slice(seen.length);
      return seen;
    },
  };
}

function onTelegram() {
  const ann = world.telegram.addUser({ first_name: 'Ann' });
  const chat = world.telegram.privateChat(ann);
  return {
    say: (text: string) => world.telegram.say(chat, ann, text),
    sees: (what: RegExp) => botSays(world, chat, what),
    press: (message: Message, label: string) => world.telegram.press(message, label, ann),
    all: () => botMessages(world, chat).map(textOf),
  };
}

const codeIn = (text: string) => /\/link ([A-Z0-9]{4}-[A-Z0-9]{4})/.exec(text)?.[1] ?? '';

test('links by a code, shares key, allowance and usage, and separates again', async () => {
  const terminal = await sitDown();
  const ann = onTelegram();
  const key = world.openai.keys.add('valid', madeKey());
  ann.say('hello from telegram');
  await ann.sees(/hello from telegram/);
  terminal.type(`/setkey ${key}`);
  await terminal.sees(/Saved: your OpenAI key/);
  terminal.type('/link');
  const code = codeIn(await terminal.sees(/\/link [A-Z0-9-]{9}/));
  await terminal.sees(/Show it to nobody/);

  ann.say(`/link ${code}`);
  const question = await ann.sees(/Shall I join your account here with the one on the terminal/);
  expect(textOf(question)).toMatch(/allowance.*added up/);
  expect(world.telegram.buttons(question).map((b) => b.label)).toEqual([
    'Join Telegram and the terminal',
    'No',
  ]);
  ann.press(question, 'Join Telegram and the terminal');
  await ann.sees(/Joined with your account on the terminal/);
  await terminal.sees(/Your account was joined with one on Telegram.*If that was not you/s);

  ann.say('paid by the key of the terminal');
  await ann.sees(/paid by the key of the terminal/);
  expect(asked(world, 'paid by the key of the terminal')[0]?.headers.authorization).toBe(
    `Bearer ${key}`,
  );
  terminal.type('/usage');
  await terminal.sees(/house: 1 answer/);
  await terminal.sees(/5 of 6 messages/);

  ann.say('/settings');
  const settings = await ann.sees(
    /Linked accounts: Telegram, the terminal|Linked accounts.*Telegram/,
  );
  ann.press(settings, 'Separate them');
  const sure = await ann.sees(/Shall I separate your accounts/);
  ann.press(sure, 'Separate them');
  await ann.sees(/Separated\. Each account goes on by itself/);
  await terminal.sees(/Your account was separated/);
  ann.say('/keys');
  await ann.sees(/You have no key here/);
  terminal.type('/keys');
  await terminal.sees(/OpenAI.*works/);
  expect(loggedErrors(world)).toEqual([]);
  expect(world.logged.join('\n')).not.toContain(code);
}, 30_000);

test('a code that was shown in a group is void', async () => {
  const terminal = await sitDown();
  const ann = onTelegram();
  const bob = world.telegram.addUser({ first_name: 'Bob' });
  const group = world.telegram.group({ title: 'G', members: [bob] });
  terminal.type('/link');
  const code = codeIn(await terminal.sees(/\/link [A-Z0-9-]{9}/));
  world.telegram.say(group, bob, `/link ${code}`);
  await botSays(world, group, /Others could read that code/);
  ann.say(`/link ${code}`);
  await ann.sees(/I don’t know this code/);
}, 15_000);

test('own codes, wrong codes and too many of them are told apart; a link can name no code', async () => {
  const terminal = await sitDown();
  const ann = onTelegram();
  ann.say('/link');
  const own = codeIn(textOf(await ann.sees(/Show it to nobody/)));
  ann.say(`/link ${own}`);
  await ann.sees(/the code that you made here/);
  terminal.type('/link');
  const code = codeIn(await terminal.sees(/\/link [A-Z0-9-]{9}/));
  ann.say(`/start link-${code}`);
  await world.telegram.waitFor(
    () => ann.all().filter((text) => text.includes('Show it to nobody')).length === 2,
  );
  for (let i = 0; i < 5; i += 1) ann.say(`/link AAAA-BBB${i}`);
  await world.telegram.waitFor(
    () => ann.all().filter((text) => /don’t know this code/.test(text)).length === 5,
  );
  ann.say(`/link ${code}`);
  await ann.sees(/Too many wrong codes/);
  expect(ann.all().some((text) => text.includes('Shall I join'))).toBe(false);
}, 15_000);

test('waits for an answer that is under way, and then joins by the same button', async () => {
  const terminal = await sitDown();
  const ann = onTelegram();
  terminal.type('/link');
  const code = codeIn(await terminal.sees(/\/link [A-Z0-9-]{9}/));
  ann.say(`/link ${code}`);
  const question = await ann.sees(/Shall I join/);
  world.openai.script([{ text: 'Answer to: a slow one', delayMs: 1_500 }]);
  terminal.type('a slow question');
  await world.telegram.waitFor(() => asked(world, 'a slow question').length === 1);
  ann.press(question, 'Join Telegram and the terminal');
  const busy = await ann.sees(/still waiting or being answered/);
  await terminal.sees(/Answer to/);
  const joined = () => ann.all().some((text) => text.includes('Joined with your account'));
  await expect
    .poll(
      () => {
        if (!joined() && ann.all().some((text) => text.includes('still waiting'))) {
          ann.press(busy, 'Try again');
        }
        return joined();
      },
      { timeout: 10_000, interval: 300 },
    )
    .toBe(true);
}, 30_000);
