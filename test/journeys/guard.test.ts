/** A key that is pasted where it should not be goes nowhere, whichever way it comes and however it is bent. */

import type { Chat, User } from 'grammy/types';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorld, type World } from '../support/latchkey.ts';
import { botSays, loggedErrors, madeKey, takenIn } from '../support/people.ts';
import { dumpDatabase } from '../support/traces.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
  world.openai.script((question) => `Answer to: ${question}`);
  await world.start();
});
afterAll(() => world.close());

interface Scene {
  readonly user: User;
  readonly chat: Chat;
  readonly mention: string;
}

const textFile = (name: string, text: string) => ({
  name,
  mime: 'text/plain',
  bytes: Buffer.from(text),
});

/** What somebody does with the text that holds the key, and what the bot says to it. */
const WAYS: readonly (readonly [string, (scene: Scene, text: string) => void, RegExp])[] = [
  [
    'text',
    ({ chat, user, mention }, text) => world.telegram.say(chat, user, `${mention}${text}`),
    /held? an API key|That was an API key/,
  ],
  [
    '/ask',
    ({ chat, user }, text) => world.telegram.say(chat, user, `/ask ${text}`),
    /held? an API key|That was an API key/,
  ],
  [
    'an unknown command',
    ({ chat, user }, text) => world.telegram.say(chat, user, `/nonsense ${text}`),
    /held? an API key|That was an API key/,
  ],
  [
    'an edit',
    ({ chat, user }, text) =>
      world.telegram.edit(world.telegram.say(chat, user, 'harmless talk'), text),
    /held? an API key/,
  ],
  [
    'a caption',
    ({ chat, user, mention }, text) =>
      world.telegram.sendDocument(chat, user, {
        ...textFile('notes.txt', 'harmless'),
        caption: `${mention}${text}`,
      }),
    /held? an API key/,
  ],
  [
    'a file’s name',
    ({ chat, user, mention }, text) =>
      world.telegram.sendDocument(chat, user, {
        // No name of a file holds white space of this kind, or a backslash.
        ...textFile(`${text.replaceAll(/\s|\\/g, '')}.txt`, 'harmless'),
        caption: `${mention}what is this?`,
      }),
    /held? an API key/,
  ],
  [
    'a file',
    ({ chat, user, mention }, text) =>
      world.telegram.sendDocument(chat, user, {
        ...textFile('notes.txt', `first line\nKEY="${text}"\n`),
        caption: `${mention}what is this?`,
      }),
    /file here holds an API key/,
  ],
  [
    'a forward',
    ({ chat, user, mention }, text) =>
      world.telegram.say(chat, user, `${mention}${text}`, {
        forward_origin: { type: 'hidden_user', sender_user_name: 'Ben', date: 1_700_000_000 },
      }),
    /held? an API key/,
  ],
  [
    'what it replies to',
    ({ chat, user, mention }, text) => {
      // As it stood before the bot came into the group.
      const quoted = { ...world.telegram.say(chat, user, 'harmless words'), text };
      world.telegram.say(chat, user, `${mention}what do they mean?`, {
        fields: JSON.parse(JSON.stringify({ reply_to_message: quoted })),
      });
    },
    /replied to h(?:eld|olds) an API key/,
  ],
];

const DISGUISES: readonly (readonly [string, (key: string) => string])[] = [
  ['plain', (key) => key],
  ['broken in two lines', (key) => `${key.slice(0, 20)}\n${key.slice(20)}`],
  ['with zero-width spaces', (key) => [...key].join('\u200b')],
  ['in full-width letters', (key) => key.replaceAll(/[!-~]/g, wide)],
  ['with Markdown’s escapes', (key) => key.replaceAll('-', '\\-')],
];

function wide(character: string): string {
  return String.fromCharCode(character.charCodeAt(0) + 0xfee0);
}

const keys: string[] = [];

test.concurrent.each(
  WAYS.flatMap(([way, act, says]) =>
    DISGUISES.flatMap(([disguise, bend]) =>
      (['private', 'group'] as const).map((kind) => ({ kind, way, disguise, act, bend, says })),
    ),
  ),
)('in $kind: a key in $way, $disguise', async ({ kind, act, bend, says }) => {
  const user = world.telegram.addUser({ first_name: 'Somebody' });
  const chat =
    kind === 'private'
      ? world.telegram.privateChat(user)
      : world.telegram.group({ title: 'Group', members: [user], botIsAdmin: true });
  const mention = kind === 'private' ? '' : `@${world.telegram.bot.username} `;
  const key = madeKey();
  keys.push(key);
  act({ user, chat, mention }, bend(key));
  await botSays(world, chat, says, { as: user, timeoutMs: 20_000 });
});

test('and then no piece of any stands in the database, the log or what a provider was asked', async () => {
  await takenIn(world);
  expect(keys.length).toBe(WAYS.length * DISGUISES.length * 2);
  const places = {
    database: await dumpDatabase(world.database.db),
    log: world.logged.join('\n'),
    requests: JSON.stringify([
      ...world.openai.requests.map(({ body }) => body),
      ...world.anthropic.requests.map(({ body }) => body),
    ]),
    said: JSON.stringify(world.telegram.calls),
  };
  for (const [place, text] of Object.entries(places)) {
    const plain = text.normalize('NFKC').replaceAll(/[\u200b\\]|\s/g, '');
    for (const key of keys) {
      // The beginning of a key that was broken is no secret; its last four are its hint.
      expect(plain.includes(key.slice(16, 28)), `${place}: ${key.slice(0, 12)}`).toBe(false);
      expect(plain.includes(key.slice(-12)), `${place}: ${key.slice(0, 12)}`).toBe(false);
    }
  }
  expect(loggedErrors(world)).toEqual([]);
});
