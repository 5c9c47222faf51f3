/** On Discord, too, a key that is put where it should not be goes nowhere, whichever way it comes. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FakeChannel, FakeUser } from '../fakes/discord.ts';
import { createDiscordWorld, type DiscordWorld } from '../support/discord-world.ts';
import { loggedErrors, madeKey } from '../support/people.ts';
import { dumpDatabase } from '../support/traces.ts';

let world: DiscordWorld;
beforeAll(async () => {
  world = await createDiscordWorld();
});
afterAll(() => world.close());

interface Scene {
  readonly who: FakeUser;
  readonly other: FakeUser;
  readonly channel: FakeChannel;
  readonly inServer: boolean;
  readonly mention: string;
}

const textFile = (name: string, text: string) => ({
  name,
  contentType: 'text/plain',
  bytes: Buffer.from(text),
});

const isKey = ({ content }: { readonly content: string }) => /\bAPI key\b/.test(content);

/** What the bot says of a message in a channel: in a server behind a button, to its author alone. */
async function told({ who, channel, inServer }: Scene, what = /holds an API key/): Promise<void> {
  if (!inServer) {
    await world.sees(who, channel, what);
    return;
  }
  const line = await world.sees(who, channel, /for you alone/);
  expect(line.content).not.toMatch(/key/i);
  await who.presses(line, 'Details').answered(isKey);
}

const embedded = (text: string) => ({
  fields: { embeds: [{ title: 'Build 7', description: text }] },
});
const forwarded = (text: string, channel: FakeChannel) => ({
  fields: {
    message_reference: { type: 1, channel_id: channel.id, message_id: '1'.repeat(18) },
    message_snapshots: [
      {
        message: {
          type: 0,
          content: text,
          embeds: [],
          attachments: [],
          timestamp: new Date().toISOString(),
          edited_timestamp: null,
          mentions: [],
          mention_roles: [],
        },
      },
    ],
  },
});
/** Everybody reads it, as nobody knows whose key it is. */
const quotedSaid = ({ who, channel }: Scene) =>
  world.sees(who, channel, /replied to (?:held|holds) an API key/);

const WAYS: readonly (readonly [
  string,
  (scene: Scene, text: string) => Promise<unknown>,
  /** In servers Discord keeps from bots what does not address them, and offers fewer commands. */
  ('direct' | 'server')?,
])[] = [
  [
    'text',
    (scene, text) => {
      scene.who.says(scene.channel, `${scene.mention}${text}`);
      return told(scene);
    },
  ],
  [
    'an edit',
    async (scene, text) => {
      const before = scene.who.says(scene.channel, `${scene.mention}of quince`);
      await world.sees(scene.who, scene.channel, /Answer to:.*quince/s);
      scene.who.edits(before, `${scene.mention}${text}`);
      return told(scene);
    },
  ],
  [
    'what stands above a file',
    (scene, text) => {
      const attachments = [textFile('notes.txt', 'harmless')];
      scene.who.says(scene.channel, `${scene.mention}${text}`, { attachments });
      return told(scene);
    },
  ],
  [
    'a file’s name',
    (scene, text) => {
      const attachments = [textFile(`${text.replaceAll(/\s|\\/g, '')}.txt`, 'harmless')];
      scene.who.says(scene.channel, `${scene.mention}what is this?`, { attachments });
      return told(scene);
    },
  ],
  [
    'a file',
    (scene, text) => {
      const attachments = [textFile('notes.txt', `first line\nKEY="${text}"\n`)];
      scene.who.says(scene.channel, `${scene.mention}what is this?`, { attachments });
      return told(scene, /file here holds an API key/);
    },
  ],
  [
    'a forwarded message',
    (scene, text) => {
      scene.who.says(scene.channel, '', forwarded(text, scene.channel));
      return told(scene);
    },
    'direct',
  ],
  [
    'a message that a command is used on',
    async (scene, text) => {
      const target = scene.other.says(scene.channel, text);
      scene.who.messageCommand('Explain this code', target);
      await quotedSaid(scene);
    },
    'server',
  ],
  [
    'the embed of a message that is replied to',
    async (scene, text) => {
      const { other, who, channel, mention, inServer } = scene;
      const quoted = (inServer ? other : who).says(channel, '', embedded(text));
      who.says(channel, `${mention}what does it mean?`, { replyTo: quoted });
      await quotedSaid(scene);
    },
    'direct',
  ],
  [
    'the embed of a message that a command is used on',
    async (scene, text) => {
      const { other, who, channel, inServer } = scene;
      const target = (inServer ? other : who).says(channel, '', embedded(text));
      who.messageCommand('Explain this code', target);
      await quotedSaid(scene);
    },
  ],
  [
    'the prompt of /ask',
    ({ who, channel }, text) => who.slash('ask', { prompt: text }, channel).answered(isKey),
  ],
  [
    'the prompt of a private /ask',
    ({ who, channel }, text) =>
      who.slash('ask', { prompt: text, private: true }, channel).answered(isKey),
  ],
  [
    'the file of /ask',
    ({ who, channel }, text) =>
      who
        .slash('ask', { prompt: 'what is it?', file: textFile('n.txt', `KEY=${text}`) }, channel)
        .answered(isKey),
  ],
  [
    'the file’s name in /ask',
    ({ who, channel }, text) => {
      const file = textFile(`${text.replaceAll(/\s|\\/g, '')}.txt`, 'harmless');
      return who.slash('ask', { prompt: 'what is it?', file }, channel).answered(isKey);
    },
  ],
  [
    'the argument of another command',
    ({ who, channel }, text) => who.slash('model', { model: text }, channel).answered(isKey),
    'direct',
  ],
  [
    'a written command',
    (scene, text) => {
      scene.who.says(scene.channel, `${scene.mention}/help ${text}`);
      return told(scene);
    },
  ],
];

const DISGUISES: readonly (readonly [string, (key: string) => string])[] = [
  ['plain', (key) => key],
  ['with zero-width spaces', (key) => [...key].join('\u200b')],
];

const keys: string[] = [];

const CASES = WAYS.flatMap(([way, act, only]) =>
  DISGUISES.flatMap(([disguise, bend]) =>
    (['direct', 'server'] as const)
      .filter((kind) => only === undefined || kind === only)
      .map((kind) => ({ kind, way, disguise, act, bend })),
  ),
);

test.concurrent.each(CASES)('in $kind: a key in $way, $disguise', async ({ kind, act, bend }) => {
  const [who, other] = [world.person('ann'), world.person('ben')];
  const inServer = kind === 'server';
  const channel = inServer ? world.server([who, other]) : world.discord.dm(who);
  const mention = inServer ? `${world.discord.botMention} ` : '';
  const key = madeKey();
  keys.push(key);
  await act({ who, other, channel, inServer, mention }, bend(key));
});

test('a form takes it, and shows it to nobody', async () => {
  const who = world.person('ann');
  const opening = who.slash('setkey', {}, world.discord.dm(who));
  await opening.opened();
  const key = madeKey();
  keys.push(key);
  await who.submits(opening, { key }).answered(({ content }) => /does not accept/.test(content));
});

test('and then no piece of any stands in the database, the log or what a provider was asked', async () => {
  expect(keys.length).toBe(CASES.length + 1);
  const places = {
    database: await dumpDatabase(world.database.db),
    log: world.logged.join('\n'),
    requests: JSON.stringify(world.openai.requests.map(({ body }) => body)),
    said: JSON.stringify(world.discord.calls),
  };
  for (const [place, text] of Object.entries(places)) {
    const plain = text.normalize('NFKC').replaceAll(/[\u200b\\]|\s/g, '');
    for (const key of keys) {
      expect(plain.includes(key.slice(16, 28)), `${place}: ${key.slice(0, 12)}`).toBe(false);
      expect(plain.includes(key.slice(-12)), `${place}: ${key.slice(0, 12)}`).toBe(false);
    }
  }
  expect([...loggedErrors(world), ...world.wrongBodies()]).toEqual([]);
});
