/** Who asks sees at once that the bot is at work, however long it takes until a model is asked. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { PlatformError } from '../../src/chat/platform.ts';
import { createDiscordWorld, type DiscordWorld } from '../support/discord-world.ts';
import { createWorld } from '../support/latchkey.ts';
import {
  asked,
  botMessages,
  botSays as botSaysSoon,
  loggedErrors,
  textOf,
} from '../support/people.ts';
import { createScriptedPlatform, direct } from '../support/scripted-platform.ts';

/** So long moderation takes, in milliseconds: longer than until a placeholder is shown. */
const CHECK_MS = 1_600;

let world: DiscordWorld;
beforeAll(async () => {
  world = await createDiscordWorld({ env: { MODERATION: 'on', FREE_DAILY_MESSAGES: '100' } });
  world.openai.moderate((input) => ({
    // Answers are checked at once.
    delayMs: input.includes('Answer to') ? 0 : CHECK_MS,
    ...(input.includes('zorbleflag') ? { scores: { hate: 0.97 } } : {}),
  }));
});
afterAll(() => world.close());

/** Checks of questions and of answers take their time. */
const botSays = (...[at, chat, what]: Parameters<typeof botSaysSoon>) =>
  botSaysSoon(at, chat, what, { timeoutMs: 18_000 });

const onTelegram = () => {
  const user = world.telegram.addUser({ first_name: 'Ann' });
  return { user, chat: world.telegram.privateChat(user) };
};

test.concurrent('a private chat on Telegram shows that it thinks while the question is checked', async () => {
  const { user, chat } = onTelegram();
  world.telegram.say(chat, user, 'privately');
  const draft = await world.telegram.waitFor(() => world.telegram.draft(chat));
  expect(draft).toMatchObject({ text: '', can_stop: true });
  expect(asked(world, 'privately')).toEqual([]);
  await botSays(world, chat, /Answer to: privately/);
});

test.concurrent('a group on Telegram shows it as typing', async () => {
  const { user } = onTelegram();
  const group = world.telegram.group({ title: 'G', members: [user] });
  world.telegram.say(group, user, `@${world.telegram.bot.username} in a group`);
  await world.telegram.waitFor(() =>
    world.telegram.callsOf('sendChatAction').some(({ payload }) => payload.chat_id === group.id),
  );
  expect(asked(world, 'in a group')).toEqual([]);
  await botSays(world, group, /Answer to:.*in a group/s);
});

test.concurrent('Discord shows it as typing', async () => {
  const ann = world.person('ann');
  const dm = world.discord.dm(ann);
  ann.says(dm, 'on Discord');
  await world.discord.waitFor(() => world.discord.isTyping(dm));
  expect(asked(world, 'on Discord')).toEqual([]);
  await world.discord.waitFor(
    () => world.said(dm, ann).some(({ content }) => /Answer to:.*on Discord/s.test(content)),
    { timeoutMs: 15_000 },
  );
});

test.concurrent('nothing of it is left where a model is not asked after all', async () => {
  const { user, chat } = onTelegram();
  const group = world.telegram.group({ title: 'G', members: [user] });
  world.telegram.say(group, user, `@${world.telegram.bot.username} zorbleflag`);
  await botSays(world, group, /did not pass this on/);
  expect(botMessages(world, group)).toHaveLength(1);
  world.telegram.say(chat, user, 'a private zorbleflag');
  await world.telegram.waitFor(() => world.telegram.draft(chat));
  await botSays(world, chat, /did not pass this on/);
  expect(world.telegram.draft(chat)).toBeUndefined();
  expect(asked(world, 'zorbleflag')).toEqual([]);
});

test.concurrent('what is stopped meanwhile is asked of nobody, and costs nothing', async () => {
  const { user, chat } = onTelegram();
  world.telegram.say(chat, user, 'never mind');
  await world.telegram.waitFor(() => world.telegram.draft(chat));
  world.telegram.pressStop(chat);
  await botSays(world, chat, /Stopped\./);
  expect(asked(world, 'never mind')).toEqual([]);
  world.telegram.say(chat, user, '/usage');
  expect(textOf(await botSays(world, chat, /This month/))).toMatch(
    /nothing yet[\s\S]*100 of 100 messages and \$0\.10 of \$0\.10/,
  );
});

test('a check that ends before the preparation does adds nothing to it', async () => {
  const chat = createScriptedPlatform();
  let downloaded = 0;
  let release = () => {};
  const until = new Promise<void>((resolve) => {
    release = resolve;
  });
  const download = async () => {
    await until;
    downloaded = Date.now();
    throw new PlatformError('gone', 'no such file');
  };
  const other = await createWorld({
    env: { MODERATION: 'on' },
    platforms: [{ receiver: chat.receiver, sender: { ...chat.sender, download } }],
  });
  try {
    const checkMs = 400;
    let checked = 0;
    other.openai.moderate((input) => {
      if (input.includes('with a file')) checked += 1;
      return { delayMs: checkMs };
    });
    await other.start();
    const file = { id: 'f', kind: 'text', name: 'a.txt', mediaType: 'text/plain' } as const;
    await chat.says('ann', direct('ann'), 'with a file', { files: [file] });
    // Asked while the file is on its way, and answered before that has come.
    await other.openai.waitFor(() => checked === 1 && other.openai.activeRequests() === 0);
    release();
    await other.openai.waitFor(() => other.openai.completions().length === 1);
    expect((other.openai.completions()[0]?.at ?? 0) - downloaded).toBeLessThan(checkMs);
    expect(checked).toBe(1);
  } finally {
    await other.close();
  }
});

test('none of this was an error', () => {
  expect([...loggedErrors(world), ...world.wrongBodies()]).toEqual([]);
});
