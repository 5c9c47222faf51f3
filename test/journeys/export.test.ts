/** /export on Telegram, and the operator's own texts. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Chat, User } from 'grammy/types';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createWorld, type World } from '../support/latchkey.ts';
import { botMessages, botSays, loggedErrors, madeKey, textOf } from '../support/people.ts';

let world: World;
let ada: User;
let chat: Chat.PrivateChat;
let folder: string;
beforeEach(async () => {
  world = await createWorld();
  ada = world.telegram.addUser({ first_name: 'Ada' });
  chat = world.telegram.privateChat(ada);
  folder = await mkdtemp(join(tmpdir(), 'latchkey-texts-'));
});
afterEach(async () => {
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

const say = (text: string) => world.telegram.say(chat, ada, text);
const files = () =>
  botMessages(world, chat).flatMap(({ document }) =>
    document === undefined
      ? []
      : [
          {
            name: document.file_name ?? '',
            text: new TextDecoder().decode(world.telegram.file(document.file_id)),
          },
        ],
  );

test('/export sends all that is known in two files, twice a day, without a trace of the key', async () => {
  await world.start();
  const key = world.openai.keys.add('valid', madeKey());
  say(`/setkey ${key}`);
  await botSays(world, chat, /Saved/);
  say('what is a zebra?');
  await botSays(world, chat, /You asked: what is a zebra/);
  say('/export');
  await botSays(world, chat, /^That is all/);
  const [json, readable, ...more] = files();
  expect(more).toEqual([]);
  expect(json?.name).toMatch(/^latchkey-\d{4}-\d\d-\d\d\.json$/);
  expect(readable?.name).toMatch(/\.md$/);
  expect(JSON.parse(json?.text ?? '').turns).toMatchObject([
    { question: { parts: [{ text: 'what is a zebra?' }] }, funding: 'own' },
  ]);
  expect(readable?.text).toContain('what is a zebra?');
  for (const file of [json, readable]) {
    expect(file?.text).not.toContain(key.slice(0, -8));
    expect(file?.text).not.toContain(key.slice(-8));
  }
  say('/export');
  await world.telegram.waitFor(() => files().length === 4);
  say('/export');
  await botSays(world, chat, /twice a day/);
  expect(files()).toHaveLength(4);
  expect(loggedErrors(world)).toEqual([]);
});

test('/export in a group leads to the private chat; a file that Telegram refuses does not count', async () => {
  await world.start();
  const group = world.telegram.group({ title: 'Group', members: [ada] });
  world.telegram.say(group, ada, '/export');
  await botSays(world, group, /is for our private chat/);
  expect(world.telegram.callsOf('sendDocument')).toEqual([]);
  world.telegram.fail({
    method: 'sendDocument',
    times: 1,
    status: 400,
    description: 'Bad Request: file must be non-empty',
  });
  say('/export');
  await botSays(world, chat, /This try does not count/);
  for (const sent of [2, 4]) {
    say('/export');
    await world.telegram.waitFor(() => files().length === sent);
  }
});

test('the operator’s own texts are shown as Markdown, a long one in several messages', async () => {
  const privacy = join(folder, 'privacy.md');
  const terms = join(folder, 'terms.md');
  const paragraphs = Array.from({ length: 150 }, (_, n) => `Clause ${n}: **always** be *kind*.`);
  await writeFile(privacy, '# Ours\n\nWe keep **nothing**.\n');
  await writeFile(terms, `${paragraphs.join('\n\n')}\n\nThe end of the terms.`);
  await world.start({ PRIVACY_FILE: privacy, TERMS_FILE: terms });
  say('/privacy');
  const ours = await botSays(world, chat, /We keep nothing\./);
  expect(ours.entities?.map((entity) => entity.type)).toContain('bold');
  say('/terms');
  await botSays(world, chat, /The end of the terms/);
  const said = botMessages(world, chat).map(textOf).join('\n');
  for (const n of [0, 75, 149]) expect(said).toContain(`Clause ${n}: always be kind.`);
});

test.each([
  ['is missing', undefined, /can't be read/],
  ['is empty', ' \n\t\n', /is empty/],
  ['is no text', Uint8Array.of(0x23, 0xff, 0xfe), /can't be read/],
  ['is too long', 'x'.repeat(50_001), /is no text of at most 50,000 characters/],
])(
  'a file of the operator’s that %s stops the start with one sentence',
  async (_what, content, sentence) => {
    const file = join(folder, 'text.md');
    if (content !== undefined) await writeFile(file, content);
    for (const setting of ['PRIVACY_FILE', 'TERMS_FILE']) {
      const failure = await world.start({ [setting]: file }).catch((error: unknown) => error);
      expect(failure).toMatchObject({
        message: expect.stringMatching(new RegExp(`^${setting} ${file} `)),
      });
      expect(failure).toMatchObject({ message: expect.stringMatching(sentence) });
    }
  },
);
