/** One person on Telegram and on Discord, through both real adapters. */

import type { Message } from 'grammy/types';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FakeUser } from '../fakes/discord.ts';
import { createDiscordWorld, type DiscordWorld } from '../support/discord-world.ts';
import { asked, botSays, loggedErrors, textOf } from '../support/people.ts';
import { waitFor } from '../support/wait-for.ts';

let world: DiscordWorld;
beforeAll(async () => {
  world = await createDiscordWorld({ env: { FREE_DAILY_MESSAGES: '6' } });
});
afterAll(() => world.close());

function onTelegram() {
  const user = world.telegram.addUser({ first_name: 'Ann' });
  const chat = world.telegram.privateChat(user);
  return {
    say: (text: string) => world.telegram.say(chat, user, text),
    sees: (what: RegExp) => botSays(world, chat, what),
    press: (message: Message, label: string) => world.telegram.press(message, label, user),
  };
}

const codeIn = (text: string) => /\/link ([A-Z0-9]{4}-[A-Z0-9]{4})/.exec(text)?.[1] ?? '';

async function runs(who: FakeUser, name: string, options: Readonly<Record<string, string>> = {}) {
  const given = who.slash(name, options, world.discord.dm(who));
  return given.answered(({ thinking }) => !thinking);
}

/** Joins the accounts, with a code from Telegram. */
async function linked() {
  const [here, there] = [onTelegram(), world.person('ann')];
  const dm = world.discord.dm(there);
  here.say('/link');
  const code = codeIn(textOf(await here.sees(/\/link [A-Z0-9-]{9}/)));
  const question = await runs(there, 'link', { code });
  expect(question.content).toMatch(
    /Shall I join your account here with the one on \*\*Telegram\*\*/,
  );
  return { here, there, dm, code, question };
}

test('a code from Telegram joins on Discord: key, allowance, usage and mailbox are one', async () => {
  const [spender, ann] = [onTelegram(), world.person('ann')];
  const dm = world.discord.dm(ann);
  spender.say('one on telegram');
  await spender.sees(/one on telegram/);
  for (const word of ['one', 'two']) {
    ann.says(dm, `${word} on discord`);
    await world.sees(ann, dm, new RegExp(`${word} on discord`));
  }
  spender.say('/link');
  const code = codeIn(textOf(await spender.sees(/\/link [A-Z0-9-]{9}/)));
  const question = await runs(ann, 'link', { code });
  ann.presses(question, 'Join Discord and Telegram');
  await world.sees(ann, dm, /Joined with your account on Telegram/);
  await spender.sees(/Your account was joined with one on Discord/);
  const usage = await runs(ann, 'usage');
  expect(usage.content).toMatch(/3 of 6/);

  // One mailbox: the second waits for the first, whatever platform they come from.
  world.openai.script([{ text: 'slowly', delayMs: 900 }]);
  spender.say('running on telegram');
  await waitFor(() => asked(world, 'running on telegram').length === 1);
  ann.says(dm, 'waiting on discord');
  await spender.sees(/slowly/);
  await world.sees(ann, dm, /waiting on discord/);
  const [first, second] = ['running on telegram', 'waiting on discord'].map(
    (word) => asked(world, word)[0]?.body,
  );
  const userOf = (body: unknown) =>
    typeof body === 'object' && body !== null && 'safety_identifier' in body
      ? body.safety_identifier
      : undefined;
  expect(userOf(first)).toBe(userOf(second));
  expect(world.openai.maxConcurrent(String(userOf(first)))).toBe(1);
  // What was said on one is no context on the other.
  expect(JSON.stringify(second)).not.toContain('on telegram');

  const key = await world.bringsKey(ann);
  spender.say('paid by the key from discord');
  await spender.sees(/paid by the key from discord/);
  expect(asked(world, 'paid by the key')[0]?.headers.authorization).toBe(`Bearer ${key}`);

  const separate = await runs(ann, 'unlink');
  ann.presses(separate, separate.buttons[0]?.label ?? '');
  await spender.sees(/separated/i);
  spender.say('one more on telegram');
  const last = await spender.sees(/one more on telegram|today/);
  expect(textOf(last)).toMatch(/one more on telegram/);
  expect(asked(world, 'one more on telegram')[0]?.headers.authorization).not.toBe(`Bearer ${key}`);
  spender.say('/usage');
  // What both had used stays counted for either.
  expect(textOf(await spender.sees(/of 6/))).toMatch(/0 of 6 messages/);
}, 30_000);

test('a code from Discord joins on Telegram', async () => {
  const [here, there] = [onTelegram(), world.person('ann')];
  const code = codeIn((await runs(there, 'link')).content);
  here.say(`/link ${code}`);
  const question = await here.sees(/Shall I join your account here with the one on Discord/);
  here.press(question, 'Join Telegram and Discord');
  await here.sees(/Joined with your account on Discord/);
  await world.sees(there, world.discord.dm(there), /Your account was joined with one on Telegram/);
});

test('a code works once, and not for its maker', async () => {
  const { there, dm, code, question } = await linked();
  there.presses(question, 'No');
  await world.sees(there, dm, /Nothing was changed/);
  expect((await runs(there, 'link', { code })).content).toMatch(/code/i);
  const own = codeIn((await runs(there, 'link')).content);
  expect((await runs(there, 'link', { code: own })).content).toMatch(/your own|yourself|here/i);
});

test('a code is no business of a server: the command is not there', () => {
  const ann = world.person('ann');
  const channel = world.server([ann]);
  for (const name of ['link', 'unlink']) {
    expect(() => ann.slash(name, {}, channel)).toThrow(/not offered/);
  }
});

test('accounts are joined when neither has an open turn', async () => {
  const { here, there, dm, question } = await linked();
  world.openai.script([{ text: 'slow answer', delayMs: 800 }]);
  here.say('still running');
  await waitFor(() => asked(world, 'still running').length === 1);
  there.presses(question, 'Join Discord and Telegram');
  const busy = await world.sees(there, dm, /again/i);
  expect(busy.content).not.toMatch(/Joined/);
  await here.sees(/slow answer/);
  there.presses(busy, busy.buttons[0]?.label ?? '');
  await world.sees(there, dm, /Joined with your account on Telegram/);
});

test('none of this was an error', () => {
  expect([...loggedErrors(world), ...world.wrongBodies()]).toEqual([]);
});
