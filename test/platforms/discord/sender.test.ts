import { MessageFlags, PermissionFlagsBits } from 'discord-api-types/v10';
import { describe, expect, test } from 'vitest';
import type { FileReference } from '../../../src/chat/message.ts';
import { PlatformError } from '../../../src/chat/platform.ts';
import { encodeFileId } from '../../../src/platforms/discord/file-id.ts';
import { time } from '../../../src/text/markdown.ts';
import type { FakeDiscordOptions } from '../../fakes/discord.ts';
import { readable } from './client-view.ts';
import { addressOf, asks, contents, people, presses, said, sending } from './sending.ts';

const POST = 'POST /channels/:channel/messages';
const DELETE = 'DELETE /channels/:channel/messages/:message';
const failure = async (doing: Promise<unknown>): Promise<PlatformError> => {
  const error = await doing.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof PlatformError)) throw new Error(`no PlatformError: ${error}`);
  return error;
};
const yes = [[{ label: 'Yes', action: 'yes' }]];

describe('a notice with a file', () => {
  const bytes = new TextEncoder().encode('{"é": 1}');
  const file = { name: 'all.json', mediaType: 'application/json', bytes };

  test('carries it with its last message, into a chat and in answer to a command', async () => {
    const { discord, ann, direct } = await people();
    const bot = sending(discord);
    const chat = addressOf(direct);
    const long = Array.from({ length: 90 }, (_, n) => `line ${n} ${'x'.repeat(40)}`).join('\n\n');
    await bot.sender.notify({ chat }, { markdown: long, buttons: yes, file });
    const { replyTo, replyHandle } = await asks(discord, bot, ann, direct);
    await bot.sender.notify({ chat, replyTo, replyHandle }, { markdown: 'Here:', file });
    await bot.sender.notify({ chat, replyTo, replyHandle }, { markdown: 'And:', file });
    const shown = said(discord, direct);
    expect(shown.length).toBeGreaterThan(4);
    expect(shown.map(({ files }) => files.length)).toEqual(
      shown.map((_, index) => (index >= shown.length - 3 ? 1 : 0)),
    );
    for (const { files, raw } of shown.slice(-3)) {
      expect(files[0]).toMatchObject({ name: 'all.json' });
      expect(new TextDecoder().decode(files[0]?.bytes)).toBe('{"é": 1}');
      expect(raw.attachments[0]?.content_type).toBe('application/json; charset=utf-8');
    }
  });

  test('may have as many bytes as the sender says, and not one more', async () => {
    const { discord, direct } = await people();
    const { sender } = sending(discord);
    const { maxFileBytes } = sender.traits;
    const sized = (size: number) => ({ ...file, bytes: new Uint8Array(size) });
    const chat = addressOf(direct);
    await sender.notify({ chat }, { markdown: 'Most', file: sized(maxFileBytes) });
    expect(said(discord, direct)[0]?.files[0]?.bytes.byteLength).toBe(maxFileBytes);
    const more = sender.notify({ chat }, { markdown: 'More', file: sized(maxFileBytes + 1) });
    expect(await failure(more)).toMatchObject({ code: 'refused' });
  });
});

describe('a notice', () => {
  test('replies to a message, pings nobody and shows no preview', async () => {
    const { discord, ann, channel } = await people();
    const { sender } = sending(discord);
    const question = ann.says(channel, 'hello');
    const id = await sender.notify(
      { chat: addressOf(channel), replyTo: question.id },
      { markdown: `Hi ${ann.mention} @everyone, see https://e.org`, buttons: yes },
    );
    const [notice] = said(discord, channel);
    expect(notice).toMatchObject({
      id,
      replyTo: question.id,
      pings: { users: [], roles: [], everyone: false, repliedUser: false },
      previews: [],
      buttons: [{ label: 'Yes', customId: 'yes' }],
    });
    expect(readable(notice?.content ?? '')).toBe(`Hi ${ann.mention} @everyone, see https://e.org`);
    expect(discord.callsOf(POST)[0]?.body).toMatchObject({
      allowed_mentions: { parse: [] },
      flags: MessageFlags.SuppressEmbeds,
      enforce_nonce: true,
    });
  });

  test('to a message that is gone comes all the same', async () => {
    const { discord, ann, channel } = await people();
    const question = ann.says(channel, 'hello');
    ann.deletes(question);
    const { sender } = sending(discord);
    await sender.notify({ chat: addressOf(channel), replyTo: question.id }, { markdown: 'Hi' });
    expect(contents(discord, channel)).toEqual(['Hi']);
  });

  test('goes to a thread', async () => {
    const { discord, channel, thread } = await people();
    await sending(discord).sender.notify({ chat: addressOf(thread) }, { markdown: 'Hi' });
    expect([contents(discord, channel), contents(discord, thread)]).toEqual([[], ['Hi']]);
  });

  test('goes to a person’s direct chat, which is opened once', async () => {
    const { discord, ann, direct } = await people();
    const { sender } = sending(discord);
    const chat = sender.directChat({ platformUserId: ann.id });
    await sender.notify({ chat }, { markdown: 'One' });
    await sender.notify({ chat }, { markdown: 'Two' });
    expect(contents(discord, direct)).toEqual(['One', 'Two']);
    expect(discord.callsOf('POST /users/@me/channels')).toHaveLength(1);
  });

  test('shows times in the reader’s zone', async () => {
    const { discord, channel } = await people();
    const markdown = `At ${time(new Date(1_800_000_000_000))}.`;
    await sending(discord).sender.notify({ chat: addressOf(channel) }, { markdown });
    expect(contents(discord, channel)).toEqual(['At <t:1800000000:f>.']);
  });

  test('that arrived unconfirmed stands once', async () => {
    const { discord, channel } = await people();
    discord.fail({ route: POST, times: 1, dropAfter: true });
    await sending(discord).sender.notify({ chat: addressOf(channel) }, { markdown: 'Hi' });
    expect(contents(discord, channel)).toEqual(['Hi']);
    expect(discord.callsOf(POST)).toHaveLength(2);
  });

  test('waits as long as Discord asks', async () => {
    const { discord, channel } = await people();
    discord.fail({ route: POST, times: 1, status: 429, retryAfter: 0.2 });
    const before = performance.now();
    await sending(discord).sender.notify({ chat: addressOf(channel) }, { markdown: 'Hi' });
    expect(performance.now() - before).toBeGreaterThan(190);
    expect(contents(discord, channel)).toEqual(['Hi']);
  });

  test('that would have to wait too long is put off', async () => {
    const { discord, channel } = await people();
    discord.fail({ route: POST, status: 429, retryAfter: 60 });
    const { sender } = sending(discord, { noticeBudgetMs: 200 });
    const error = await failure(sender.notify({ chat: addressOf(channel) }, { markdown: 'Hi' }));
    expect(error).toMatchObject({ code: 'flood' });
    expect(error.retryAfterMs).toBeGreaterThan(50_000);
    expect(discord.callsOf(POST)).toHaveLength(1);
  });

  test('keeps within Discord’s limits when many go to one channel', async () => {
    const { discord, channel } = await people({ rates: { perRoute: 5, windowMs: 300 } });
    const { sender } = sending(discord);
    const chat = addressOf(channel);
    const all = Array.from({ length: 12 }, (_, n) =>
      sender.notify({ chat }, { markdown: `n${n}` }),
    );
    await Promise.all(all);
    expect(contents(discord, channel)).toHaveLength(12);
    expect(discord.calls.filter(({ status }) => status === 429)).toEqual([]);
  });

  test('from each of two processes shares the bounds of one token, and comes once', async () => {
    const { discord, guild } = await people({
      rates: { perRoute: 5, windowMs: 500, perSecond: 50 },
    });
    const channels = Array.from({ length: 15 }, (_, n) =>
      discord.addChannel(guild, { name: `channel-${n}` }),
    );
    const processes = [sending(discord), sending(discord)];
    const all = processes.flatMap(({ sender }, process) =>
      channels.flatMap((channel) =>
        [1, 2, 3, 4].map((n) =>
          sender.notify({ chat: addressOf(channel) }, { markdown: `p${process} n${n}` }),
        ),
      ),
    );
    await Promise.all(all);
    for (const channel of channels) expect(new Set(contents(discord, channel)).size).toBe(8);
    expect(channels.flatMap((channel) => contents(discord, channel))).toHaveLength(120);
    // Each learns of the other by being refused, and then waits without asking.
    const refused = discord.calls.filter(({ status }) => status === 429).length;
    expect(refused).toBeLessThan(discord.calls.length / 3);
  });
});

describe('a notice for one person', () => {
  const onlyFor = (platformUserId: string) => ({ platformUserId, publicMarkdown: 'See below.' });
  const secret = {
    markdown: 'Your key ends in 42.',
    buttons: [
      [
        { label: 'Forget 42', action: 'forget' },
        { label: 'In private', directChat: 'setkey' },
      ],
    ],
  };

  test('says nothing private to a channel', async () => {
    const { discord, ann, channel } = await people();
    const question = ann.says(channel, 'hello');
    await sending(discord).sender.notify(
      { chat: addressOf(channel), replyTo: question.id, onlyFor: onlyFor(ann.id) },
      secret,
    );
    expect(said(discord, channel)).toMatchObject([
      { content: 'See below.', buttons: [{ label: 'In private', customId: 'dm:setkey' }] },
    ]);
  });

  test('shows the buttons that are for all, where there are such', async () => {
    const { discord, ann, channel } = await people();
    const details = [[{ label: 'Details', action: 'details:1' }]];
    await sending(discord).sender.notify(
      { chat: addressOf(channel), onlyFor: { ...onlyFor(ann.id), publicButtons: details } },
      secret,
    );
    expect(said(discord, channel)[0]?.buttons).toMatchObject([{ customId: 'details:1' }]);
  });

  test('answers a private command in its place', async () => {
    const { discord, ann, ben, channel } = await people();
    const bot = sending(discord);
    const asked = await asks(discord, bot, ann, channel, { ephemeral: true });
    const { replyTo, replyHandle } = asked;
    const chat = addressOf(channel);
    await bot.sender.notify({ chat, replyTo, replyHandle, onlyFor: onlyFor(ann.id) }, secret);
    await bot.sender.notify({ chat, replyTo, replyHandle }, { markdown: 'And more.' });
    expect(contents(discord, channel, ann)).toEqual(['Your key ends in 42.', 'And more.']);
    expect(contents(discord, channel, ben)).toEqual([]);
    expect(asked.interaction.original?.content).toBe('Your key ends in 42.');
  });

  test('answers a command that everybody sees, without anybody seeing it', async () => {
    const { discord, ann, ben, channel } = await people();
    const bot = sending(discord);
    const { replyTo, replyHandle } = await asks(discord, bot, ann, channel);
    const chat = addressOf(channel);
    await bot.sender.notify({ chat, replyTo, replyHandle, onlyFor: onlyFor(ann.id) }, secret);
    expect(contents(discord, channel, ann)).toEqual(['Your key ends in 42.']);
    expect(contents(discord, channel, ben)).toEqual([]);
    expect(discord.messages(channel, { as: ben }).filter(({ fromBot }) => fromBot)).toEqual([]);
  });

  test('answers a press', async () => {
    const { discord, ann, ben, channel } = await people();
    const bot = sending(discord);
    const chat = addressOf(channel);
    await bot.sender.notify({ chat }, { markdown: 'Public', buttons: yes });
    const [notice] = said(discord, channel);
    if (notice === undefined) throw new Error('no notice');
    const { press } = await presses(discord, bot, ann, notice, 'Yes');
    await bot.sender.notify({ chat, press, onlyFor: onlyFor(ann.id) }, secret);
    await bot.sender.answerPress(press, 'Very *well*');
    expect(contents(discord, channel, ben)).toEqual(['Public']);
    expect(contents(discord, channel, ann).map(readable)).toEqual([
      'Public',
      'Your key ends in 42.',
      'Very *well*',
    ]);
  });

  test('is not said in the open once its interaction is over', async () => {
    const { discord, ann, channel } = await people();
    const bot = sending(discord);
    const { replyTo, replyHandle } = await asks(discord, bot, ann, channel, { ephemeral: true });
    discord.advance(16 * 60_000);
    const place = { chat: addressOf(channel), replyTo, replyHandle };
    expect(await failure(bot.sender.notify(place, secret))).toMatchObject({ code: 'expired' });
    await bot.sender.notify({ ...place, onlyFor: onlyFor(ann.id) }, secret);
    expect(contents(discord, channel, ann)).toEqual(['See below.']);
  });

  test('is not said in the open when its handle is broken', async () => {
    const { discord, channel } = await people();
    const { sender } = sending(discord);
    const place = { chat: addressOf(channel), replyHandle: '{"token":1}' };
    expect(await failure(sender.notify(place, secret))).toMatchObject({ code: 'expired' });
    expect(contents(discord, channel)).toEqual([]);
  });
});

describe('a notice that is edited', () => {
  test('says what is new, with its buttons', async () => {
    const { discord, channel } = await people();
    const { sender } = sending(discord);
    const chat = addressOf(channel);
    const id = (await sender.notify({ chat }, { markdown: 'Old', buttons: yes })) ?? '';
    await sender.editNotice(chat, id, { markdown: 'New' });
    expect(said(discord, channel)).toMatchObject([{ content: 'New', buttons: [] }]);
  });

  test('can be one that only its reader sees, by the press that leads to it', async () => {
    const { discord, ann, channel } = await people();
    const bot = sending(discord);
    const chat = addressOf(channel);
    const asked = await asks(discord, bot, ann, channel, { ephemeral: true });
    await bot.sender.notify({ chat, ...asked }, { markdown: 'Old', buttons: yes });
    const [old] = said(discord, channel, ann);
    if (old === undefined) throw new Error('no notice');
    const { replyHandle } = await presses(discord, bot, ann, old, 'Yes');
    await bot.sender.editNotice(chat, old.id, { markdown: 'New' }, replyHandle);
    expect(contents(discord, channel, ann)).toEqual(['New']);
  });

  test('is edited in the channel when the press is long ago', async () => {
    const { discord, ann, channel } = await people();
    const bot = sending(discord);
    const chat = addressOf(channel);
    await bot.sender.notify({ chat }, { markdown: 'Old', buttons: yes });
    const [old] = said(discord, channel);
    if (old === undefined) throw new Error('no notice');
    const { replyHandle } = await presses(discord, bot, ann, old, 'Yes');
    discord.advance(16 * 60_000);
    await bot.sender.editNotice(chat, old.id, { markdown: 'New' }, replyHandle);
    expect(contents(discord, channel)).toEqual(['New']);
  });
});

describe('deleting', () => {
  test('says truthfully what became of a message', async () => {
    const { discord, ann, channel, direct } = await people();
    const { sender, log } = sending(discord);
    const inDirect = ann.says(direct, 'a secret');
    const inChannel = ann.says(channel, 'a secret');
    discord.setBotPermissions(channel, PermissionFlagsBits.ViewChannel);
    expect(await sender.deleteMessage(addressOf(direct), inDirect.id)).toBe('refused');
    expect(await sender.deleteMessage(addressOf(channel), inChannel.id)).toBe('refused');
    discord.setBotPermissions(
      channel,
      PermissionFlagsBits.ViewChannel | PermissionFlagsBits.ManageMessages,
    );
    expect(await sender.deleteMessage(addressOf(channel), inChannel.id)).toBe('deleted');
    expect(await sender.deleteMessage(addressOf(channel), inChannel.id)).toBe('deleted');
    expect(await sender.deleteMessage(addressOf(channel), 'interaction:123')).toBe('refused');
    expect(log.lines.join()).not.toContain('a secret');
  });
});

describe('deleting several of its own', () => {
  async function noticed(count: number, options?: FakeDiscordOptions) {
    const world = await people(options);
    const bot = sending(world.discord);
    const chat = addressOf(world.direct);
    const ids: string[] = [];
    for (let n = 0; n < count; n += 1) {
      ids.push((await bot.sender.notify({ chat }, { markdown: `notice ${n}` })) ?? '');
    }
    return { ...world, ...bot, chat, ids };
  }

  test('waits for Discord’s limit, and counts those that are gone', async () => {
    const rates = { perRoute: 4, windowMs: 400, perSecond: 50 };
    const { discord, ann, direct, sender, chat, ids } = await noticed(9, { rates });
    const theirs = ann.says(direct, 'my own words');
    expect(await sender.deleteMessages(chat, [...ids, theirs.id, 'interaction:1'])).toBe(9);
    expect(discord.messages(direct).map(({ content }) => content)).toEqual(['my own words']);
    expect(discord.callsOf(DELETE).filter(({ status }) => status === 429)).toEqual([]);
  });

  test('goes on after one that Discord keeps', async () => {
    const { discord, direct, sender, chat, ids } = await noticed(3);
    discord.fail({ route: DELETE, times: 1, status: 403, code: 50_003 });
    expect(await sender.deleteMessages(chat, ids)).toBe(2);
    expect(contents(discord, direct)).toEqual(['notice 0']);
  });

  test.each([
    ['the chat is gone', { status: 404, code: 10_003 }],
    ['the bot may not look at it', { status: 403, code: 50_001 }],
  ])('asks once where %s', async (_why, refusal) => {
    const { discord, sender, chat, ids } = await noticed(3);
    discord.fail({ route: DELETE, ...refusal });
    expect(await sender.deleteMessages(chat, ids)).toBe(0);
    expect(discord.callsOf(DELETE)).toHaveLength(1);
  });
});

describe('what Discord refuses', () => {
  test.each([
    ['the person has blocked the bot', 'blocked'],
    ['the channel is gone', 'gone'],
    ['the bot was thrown out', 'blocked'],
    ['the bot may not write', 'refused'],
  ])('because %s has the code %s', async (why, code) => {
    const { discord, ann, guild, channel } = await people();
    const { sender, log } = sending(discord);
    let chat = addressOf(channel);
    if (why.startsWith('the person')) {
      chat = sender.directChat({ platformUserId: ann.id });
      ann.blocks();
    } else if (why.startsWith('the channel')) discord.deleteChannel(channel);
    else if (why.includes('thrown')) discord.removeBot(guild);
    else discord.setBotPermissions(channel, PermissionFlagsBits.ViewChannel);
    const error = await failure(sender.notify({ chat }, { markdown: 'a secret' }));
    expect(error.code).toBe(code);
    if (code === 'refused') expect(error.missingRight).toBe('send');
    const told = `${error.message} ${error.stack} ${JSON.stringify(error)} ${log.lines.join()}`;
    expect(told).not.toContain('a secret');
    expect(told).not.toContain(discord.token);
  });

  test('for want of the right to read what was before is sent without the reply', async () => {
    const { discord, ann, channel } = await people();
    const question = ann.says(channel, 'hello');
    discord.setBotPermissions(
      channel,
      PermissionFlagsBits.ViewChannel | PermissionFlagsBits.SendMessages,
    );
    await sending(discord).sender.notify(
      { chat: addressOf(channel), replyTo: question.id },
      { markdown: 'Hi' },
    );
    expect(said(discord, channel)).toMatchObject([{ content: 'Hi', replyTo: undefined }]);
  });

  test('shows no interaction’s token', async () => {
    const { discord, ann, channel } = await people();
    const bot = sending(discord);
    const asked = await asks(discord, bot, ann, channel, { canSend: false });
    discord.fail({ route: /webhooks/, status: 500 });
    const { sender, log } = bot;
    const error = await failure(
      sender.notify({ chat: addressOf(channel), ...asked }, { markdown: 'x' }),
    );
    const told = `${error.message} ${error.stack} ${JSON.stringify(error)} ${log.lines.join()}`;
    expect(told).not.toContain(asked.interaction.token);
  });

  test('again and again is not asked for any more', async () => {
    const { discord, channel } = await people();
    const { sender, rest } = sending(discord);
    for (let n = 0; n < 1000; n += 1) rest.refusals.note(403);
    const error = await failure(sender.notify({ chat: addressOf(channel) }, { markdown: 'x' }));
    expect(error.code).toBe('flood');
    expect(discord.calls).toHaveLength(0);
  });

  test('because the token is wrong is asked for once', async () => {
    const { discord, channel } = await people();
    const { sender } = sending(
      { ...discord, token: `${discord.token}x`, now: () => discord.now() },
      { noticeBudgetMs: 200 },
    );
    const error = await failure(sender.notify({ chat: addressOf(channel) }, { markdown: 'x' }));
    expect(error.code).toBe('unreachable');
    expect(discord.calls).toHaveLength(1);
  });
});

describe('a file', () => {
  const bytes = new TextEncoder().encode('const a = 1;');

  async function attached() {
    const { discord, ann, channel, ...rest } = await people();
    const { sender } = sending(discord);
    const message = ann.says(channel, `${discord.botMention} see`, {
      attachments: [{ name: 'a.ts', bytes }],
    });
    const [file] = message.files;
    if (file === undefined) throw new Error('no file');
    const reference = (fields: object = {}): FileReference => ({
      id: encodeFileId({
        channelId: channel.id,
        messageId: message.id,
        attachmentId: file.id,
        url: file.url,
        ...fields,
      }),
      kind: 'text',
      name: 'a.ts',
      mediaType: 'text/plain',
    });
    return { discord, ann, channel, message, sender, reference, ...rest };
  }

  test('is fetched', async () => {
    const { sender, reference } = await attached();
    expect(await sender.download(reference(), 1000)).toEqual(bytes);
  });

  test('is found again when its address has expired', async () => {
    const { discord, sender, reference } = await attached();
    discord.advance(48 * 3_600_000);
    expect(await sender.download(reference(), 1000)).toEqual(bytes);
  });

  test('is not fetched when it is too large, whatever was said of its size', async () => {
    const { sender, reference } = await attached();
    expect(await failure(sender.download(reference(), 5))).toMatchObject({ code: 'too-large' });
    const told = { ...reference(), size: 1_000_000 };
    expect(await failure(sender.download(told, 1000))).toMatchObject({ code: 'too-large' });
  });

  test('of a deleted message is gone', async () => {
    const { discord, ann, message, sender, reference } = await attached();
    ann.deletes(message);
    discord.advance(48 * 3_600_000);
    expect(await failure(sender.download(reference(), 1000))).toMatchObject({ code: 'gone' });
  });

  test.each([
    'http://169.254.169.254/latest',
    'https://other.example/a',
    'file:///etc/passwd',
    'x',
  ])('at %s is not fetched', async (url) => {
    const { sender, reference } = await attached();
    const error = await failure(sender.download(reference({ url, messageId: undefined }), 1000));
    expect(error.code).toBe('gone');
    expect(error.message).not.toContain(url.slice(4, 15) || url);
  });
});
