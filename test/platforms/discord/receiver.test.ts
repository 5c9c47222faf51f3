import { describe, expect, test } from 'vitest';
import { decodeFileId } from '../../../src/platforms/discord/file-id.ts';
import { COULD_NOT_TAKE_IN } from '../../../src/text/discord.ts';
import { receiving, simulator } from './receiving.ts';

/** Ann and Ben in a server with a channel, and the bot. */
async function garden(options: Parameters<typeof simulator>[0] = {}) {
  const discord = await simulator(options);
  const ann = discord.addUser({ name: 'ann' });
  const ben = discord.addUser({ name: 'ben' });
  const guild = discord.addGuild({ name: 'Garden', members: [ann, ben] });
  const channel = discord.addChannel(guild, { name: 'general' });
  return { discord, ann, ben, guild, channel };
}

const text = (content: string) => new TextEncoder().encode(content);

describe('a direct message', () => {
  test('is addressed to the bot, and dated by Discord', async () => {
    const { discord, ann } = await garden();
    const bot = receiving(discord);
    await bot.start();
    const before = Date.now();
    const said = ann.says(discord.dm(ann), 'hello');
    const message = await bot.message();
    expect(message).toMatchObject({
      chat: { platform: 'discord', chatId: discord.dm(ann).id, kind: 'direct' },
      sender: { platformUserId: ann.id },
      messageId: said.id,
      text: 'hello',
      addressed: 'direct',
      files: [],
    });
    expect(Math.abs(message.sentAt.getTime() - before)).toBeLessThan(5000);
    expect(Number.isSafeInteger(message.order)).toBe(true);
  });

  test('comes with its files', async () => {
    const { discord, ann } = await garden();
    const bot = receiving(discord);
    await bot.start();
    const said = ann.says(discord.dm(ann), '', {
      attachments: [
        { name: 'a.ts', bytes: text('let a = 1;'), mime: 'video/mp2t' },
        { name: 'b.png', bytes: text('png'), mime: 'image/png' },
        { name: 'c.zip', bytes: text('zip'), mime: 'application/zip' },
      ],
    });
    const { files } = await bot.message();
    expect(files.map(({ kind, name, size }) => [kind, name, size])).toEqual([
      ['text', 'a.ts', 10],
      ['image', 'b.png', 3],
      ['other', 'c.zip', 3],
    ]);
    expect(decodeFileId(files[0]?.id ?? '')).toMatchObject({
      channelId: discord.dm(ann).id,
      messageId: said.id,
    });
  });

  test('that passes something on is data, not an order', async () => {
    const { discord, ann } = await garden();
    const bot = receiving(discord);
    await bot.start();
    ann.says(discord.dm(ann), '', {
      fields: {
        message_reference: { type: 1, channel_id: discord.dm(ann).id, message_id: '1'.repeat(18) },
        message_snapshots: [
          {
            message: {
              type: 0,
              content: 'let b = 2;',
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
    ann.says(discord.dm(ann), 'what does it do?');
    const forward = await bot.message(0);
    const comment = await bot.message(1);
    expect(forward).toMatchObject({ text: 'let b = 2;', forwardedFrom: 'unknown' });
    expect(comment.forwardedFrom).toBeUndefined();
    // The two are one question.
    expect(comment.merge).toEqual(forward.merge);
    expect(forward.merge?.waitMs).toBeGreaterThan(0);
  });
});

describe('in a server', () => {
  test('a mention is taken out of the text, wherever it stands', async () => {
    const { discord, ann, ben, channel } = await garden();
    const bot = receiving(discord);
    await bot.start();
    ann.says(
      channel,
      `${discord.botMention}, what does ${ben.mention} mean ${discord.botMention}?`,
    );
    expect(await bot.message()).toMatchObject({
      chat: { platform: 'discord', chatId: channel.id, kind: 'group' },
      text: 'what does @ben mean?',
      addressed: 'mention',
    });
  });

  test('a mention of the role that Discord made for the bot is one of the bot', async () => {
    const { discord, ann, guild, channel } = await garden({ messageContent: true });
    const bot = receiving(discord, { messageContent: true });
    await bot.start();
    const role = { id: '9'.repeat(18), name: 'latchkey', permissions: '0', position: 1, flags: 0 };
    discord.gateway.dispatch('GUILD_ROLE_CREATE', {
      guild_id: guild.id,
      role: { ...role, tags: { bot_id: discord.botId } },
    });
    ann.says(channel, `<@&${role.id}> hello`, { fields: { mention_roles: [role.id] } });
    expect(await bot.message()).toMatchObject({ text: 'hello', addressed: 'mention' });
  });

  test('talk of others is not even looked at without the Message Content intent', async () => {
    const { discord, ann, ben, channel } = await garden();
    const bot = receiving(discord);
    await bot.start();
    ann.says(channel, 'good morning');
    ben.says(channel, `${discord.botMention} hi`);
    expect(await bot.message()).toMatchObject({ text: 'hi' });
    expect(bot.events).toHaveLength(1);
  });

  test('talk of others is passed on with it, addressed to nobody', async () => {
    const { discord, ann, channel } = await garden({ messageContent: true });
    const bot = receiving(discord, { messageContent: true });
    await bot.start();
    ann.says(channel, 'good morning');
    expect(await bot.message()).toMatchObject({ text: 'good morning', addressed: 'none' });
  });

  test('a reply to the bot that pings it is for it, and quotes it', async () => {
    const { discord, ann, channel } = await garden();
    const bot = receiving(discord);
    await bot.start();
    const { sender } = bot.platform;
    const id = await sender.notify(
      { chat: { platform: 'discord', chatId: channel.id, kind: 'group' } },
      { markdown: 'I am here' },
    );
    const answer = discord.message(id ?? '');
    if (answer === undefined) throw new Error('nothing was sent');
    ann.says(channel, 'and now?', { replyTo: answer });
    expect(await bot.message()).toMatchObject({
      text: 'and now?',
      addressed: 'reply',
      quoted: { messageId: id, fromBot: true, text: 'I am here' },
    });
    // Without the ping its words are kept from the bot, and it may be meant for others.
    ann.says(channel, 'never mind', { replyTo: answer, pings: false });
    ann.says(channel, `${discord.botMention} done`);
    expect(await bot.message(1)).toMatchObject({ text: 'done' });
  });

  test('what a mention replies to is quoted where it can be read, else empty', async () => {
    for (const messageContent of [true, false]) {
      const { discord, ann, ben, channel } = await garden({ messageContent });
      const bot = receiving(discord, { messageContent });
      await bot.start();
      const code = ben.says(channel, 'let a = 1;', {
        attachments: [{ name: 'more.ts', bytes: text('let b;') }],
      });
      ann.says(channel, `${discord.botMention} explain`, { replyTo: code });
      const message = await discord.waitFor(() =>
        bot.messages().find(({ addressed }) => addressed === 'mention'),
      );
      expect(message.quoted).toMatchObject({ messageId: code.id, fromBot: false });
      expect(message.quoted?.text).toBe(messageContent ? 'let a = 1;' : '');
      expect(message.quoted?.files).toHaveLength(messageContent ? 1 : 0);
    }
  });

  test('what is replied to is looked up where Discord left it out', async () => {
    const { discord, ann, ben, channel } = await garden();
    const bot = receiving(discord);
    await bot.start();
    const code = ben.says(channel, `for ${discord.botMention}: let a = 1;`);
    ann.says(channel, `${discord.botMention} explain`, { replyTo: code });
    await bot.message(1);
    const event = discord.gateway.events.findLast(({ type }) => type === 'MESSAGE_CREATE');
    const fields = Object.entries(event?.data ?? {});
    const rest = Object.fromEntries(fields.filter(([name]) => name !== 'referenced_message'));
    discord.fail({ route: 'GET /channels/:channel/messages/:message', times: 1, status: 502 });
    discord.gateway.dispatch('MESSAGE_CREATE', rest);
    expect((await bot.message(2)).quoted).toMatchObject({
      messageId: code.id,
      text: 'for @latchkey: let a = 1;',
    });
  });

  test('a thread is a thread of its channel, also one that was there before the bot', async () => {
    const { discord, ann, guild, channel } = await garden();
    const old = discord.addThread(channel, { name: 'old' });
    const bot = receiving(discord);
    await bot.start();
    const fresh = discord.addThread(channel, { name: 'fresh' });
    ann.says(old, `${discord.botMention} one`);
    ann.says(fresh, `${discord.botMention} two`);
    const chats = [(await bot.message(0)).chat, (await bot.message(1)).chat];
    expect(chats).toEqual(
      [old, fresh].map((thread) => ({
        platform: 'discord',
        chatId: channel.id,
        threadId: thread.id,
        kind: 'group',
        wholeId: guild.id,
      })),
    );
  });

  test('bots, webhooks and notices of Discord are no users', async () => {
    const { discord, ann, guild, channel } = await garden();
    const robot = discord.addUser({ name: 'robot', bot: true });
    discord.addMember(guild, robot);
    const bot = receiving(discord);
    await bot.start();
    robot.says(channel, `${discord.botMention} hi`);
    ann.says(channel, `${discord.botMention} hi`, { fields: { webhook_id: ann.id } });
    ann.says(channel, `${discord.botMention} hi`, { fields: { type: 7 } });
    ann.says(channel, `${discord.botMention} I am real`);
    expect(await bot.message()).toMatchObject({ text: 'I am real' });
  });

  test('edits and deletions come after the message, also when it took long', async () => {
    const { discord, ann, channel } = await garden();
    let failures = 2;
    const bot = receiving(discord, {}, async () => {
      if (failures-- > 0) throw new Error('the database is away');
    });
    await bot.start();
    const said = ann.says(channel, `${discord.botMention} first`);
    ann.edits(said, `${discord.botMention} second`);
    ann.deletes(said);
    await discord.waitFor(() => bot.events.length === 3);
    expect(bot.events.map(({ type }) => type)).toEqual(['message', 'edit', 'deleted']);
    expect(bot.events[1]).toMatchObject({ message: { text: 'second', messageId: said.id } });
    expect(bot.events[2]).toMatchObject({
      messageId: said.id,
      chat: { platform: 'discord', chatId: channel.id, kind: 'group' },
    });
  });

  test('messages that a moderator deletes together are each deleted', async () => {
    const { discord, ann, channel } = await garden();
    const bot = receiving(discord);
    await bot.start();
    const said = [1, 2, 3].map((n) => ann.says(channel, `${discord.botMention} ${n}`));
    discord.deleteMessages(said);
    await discord.waitFor(() => bot.events.length === 6);
    const deleted = bot.events.flatMap((e) => (e.type === 'deleted' ? [e.messageId] : []));
    expect(deleted.toSorted()).toEqual(said.map(({ id }) => id).toSorted());
  });

  test('a thread that is gone is closed for itself', async () => {
    const { discord, channel } = await garden();
    const thread = discord.addThread(channel, { name: 'a thread' });
    const bot = receiving(discord);
    await bot.start();
    discord.deleteChannel(thread);
    await discord.waitFor(() => bot.events.length > 0);
    expect(bot.events).toEqual([
      {
        type: 'closed',
        chat: { platform: 'discord', chatId: channel.id, threadId: thread.id, kind: 'group' },
      },
    ]);
  });

  test('a channel that is gone is closed, and all of a server that threw the bot out', async () => {
    const { discord, ann, guild, channel } = await garden();
    const other = discord.addChannel(guild, { name: 'other' });
    const away = discord.addGuild({ name: 'Away', members: [ann] });
    const bot = receiving(discord);
    await bot.start();
    const closed = () =>
      bot.events.flatMap((event) => (event.type === 'closed' ? [event.chat.chatId] : []));
    discord.guildUnavailable(away);
    discord.deleteChannel(channel);
    await discord.waitFor(() => closed().length > 0);
    expect(closed()).toEqual([channel.id]);
    discord.removeBot(guild);
    await discord.waitFor(() => closed().length > 1);
    expect(closed()).toEqual([channel.id, other.id]);
  });
});

describe('what can not be taken in', () => {
  test('is tried again, while others go on', async () => {
    const { discord, ann, ben } = await garden();
    let failures = 3;
    const bot = receiving(discord, {}, async (event) => {
      if (event.type === 'message' && event.message.text === 'from ann' && failures-- > 0) {
        throw new Error('the database is away');
      }
    });
    await bot.start();
    ann.says(discord.dm(ann), 'from ann');
    ben.says(discord.dm(ben), 'from ben');
    await discord.waitFor(() => bot.events.length === 2);
    expect(bot.messages().map((message) => message.text)).toEqual(['from ben', 'from ann']);
  });

  test('is said to its sender in the end', async () => {
    const { discord, ann } = await garden();
    const bot = receiving(discord, { receiving: { deliverPatienceMs: 100 } }, async () => {
      throw new Error('always');
    });
    await bot.start();
    ann.says(discord.dm(ann), 'poison');
    await discord.waitFor(() =>
      discord.messages(discord.dm(ann)).some(({ content }) => content === COULD_NOT_TAKE_IN),
    );
  });

  test('is given up at once when the bot stops', async () => {
    const { discord, ann } = await garden();
    let begun = () => {};
    const failed = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const bot = receiving(discord, { receiving: { retryMs: 60_000 } }, async () => {
      begun();
      throw new Error('always');
    });
    await bot.start();
    ann.says(discord.dm(ann), 'poison');
    await failed;
    const stoppedAt = Date.now();
    await bot.platform.receiver.stop();
    expect(Date.now() - stoppedAt).toBeLessThan(5000);
  });
});

describe('the connection', () => {
  test('asks for as few intents as there are', async () => {
    const { discord } = await garden({ messageContent: true });
    const bot = receiving(discord);
    await bot.start();
    // Guilds, GuildMessages, DirectMessages.
    expect(discord.gateway.intents).toBe((1 << 0) | (1 << 9) | (1 << 12));
    await bot.platform.receiver.stop();
    expect(bot.log.lines.map(({ level }) => level)).toEqual(['info']);
    await receiving(discord, { messageContent: true }).start();
    expect(discord.gateway.intents).toBe((1 << 0) | (1 << 9) | (1 << 12) | (1 << 15));
  });

  test('is resumed after it broke, and nothing said meanwhile is lost or doubled', async () => {
    const { discord, ann } = await garden();
    const bot = receiving(discord);
    await bot.start();
    ann.says(discord.dm(ann), 'one');
    await bot.message(0);
    discord.gateway.drop();
    ann.says(discord.dm(ann), 'two');
    await discord.waitFor(() => discord.gateway.resumes > 0, { timeoutMs: 15_000 });
    ann.says(discord.dm(ann), 'three');
    await discord.waitFor(() => bot.messages().length >= 3);
    expect(bot.messages().map((message) => message.text)).toEqual(['one', 'two', 'three']);
  });

  test('is made anew when Discord asks for it, or ends the session', async () => {
    const { discord, ann } = await garden();
    const bot = receiving(discord);
    await bot.start();
    discord.gateway.reconnect();
    await discord.waitFor(() => discord.gateway.resumes > 0, { timeoutMs: 15_000 });
    ann.says(discord.dm(ann), 'are you there?');
    await bot.message(0);
    const before = discord.gateway.identifies;
    discord.gateway.invalidateSessions();
    await discord.waitFor(() => discord.gateway.identifies > before, { timeoutMs: 15_000 });
    await discord.gateway.ready({ timeoutMs: 15_000 });
    ann.says(discord.dm(ann), 'still there?');
    expect(await bot.message(1)).toMatchObject({ text: 'still there?' });
  });

  test('comes back when Discord was away', async () => {
    const { discord, ann } = await garden();
    const bot = receiving(discord);
    await bot.start();
    discord.gateway.shut();
    discord.gateway.drop();
    ann.says(discord.dm(ann), 'anybody?');
    await discord.waitFor(() => bot.log.lines.some(({ level }) => level === 'warn'), {
      timeoutMs: 15_000,
    });
    discord.gateway.open();
    expect(await discord.waitFor(() => bot.messages()[0], { timeoutMs: 15_000 })).toMatchObject({
      text: 'anybody?',
    });
  });

  test('outlives events that make no sense', async () => {
    const { discord, ann, channel } = await garden();
    const bot = receiving(discord);
    await bot.start();
    for (const type of [
      'MESSAGE_CREATE',
      'MESSAGE_UPDATE',
      'MESSAGE_DELETE',
      'MESSAGE_DELETE_BULK',
      'INTERACTION_CREATE',
      'GUILD_DELETE',
      'CHANNEL_DELETE',
      'THREAD_CREATE',
      'THREAD_DELETE',
    ]) {
      discord.gateway.dispatch(type, {});
      discord.gateway.dispatch(type, null);
      discord.gateway.dispatch(type, { id: 7, ids: 'x', author: [], channel_id: {}, guild_id: -1 });
      discord.gateway.dispatch(type, {
        id: ann.id,
        type: 2,
        data: { type: 1 },
        guild_id: channel.guildId,
      });
    }
    ann.says(discord.dm(ann), 'still there?');
    await discord.waitFor(() => bot.messages().some((message) => message.text === 'still there?'));
  });

  test('keeps no token, and nothing of what people say, in the log', async () => {
    const { discord, ann, channel } = await garden();
    const bot = receiving(discord, { receiving: { deliverPatienceMs: 50 } }, async () => {
      throw new Error('a private word');
    });
    await bot.start();
    ann.says(discord.dm(ann), 'a secret word');
    const asked = ann.slash('ask', { prompt: 'a secret word' }, channel);
    await asked.answered();
    await bot.platform.receiver.stop();
    const log = JSON.stringify(bot.log.lines);
    expect(bot.log.lines.some(({ level }) => level === 'error')).toBe(true);
    for (const secret of [discord.token, asked.token, 'secret word', 'private word']) {
      expect(log).not.toContain(secret);
    }
  });
});
