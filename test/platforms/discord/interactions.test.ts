import { PermissionFlagsBits } from 'discord-api-types/v10';
import { describe, expect, test } from 'vitest';
import type { PlatformEvent } from '../../../src/chat/message.ts';
import { parseReplyHandle } from '../../../src/platforms/discord/reply-handle.ts';
import {
  COMMAND_IS_GONE,
  COULD_NOT_TAKE_IN,
  inDirectChat,
  keyForm,
  NO_DIRECT_CHAT,
} from '../../../src/text/discord.ts';
import type { FakeChannel, FakeDiscord } from '../../fakes/discord.ts';
import { MENU, receiving, simulator } from './receiving.ts';

async function garden(handle?: (event: PlatformEvent) => Promise<void>, options = {}) {
  const discord = await simulator();
  const ann = discord.addUser({ name: 'ann', installed: true });
  const ben = discord.addUser({ name: 'ben' });
  const guild = discord.addGuild({ name: 'Garden', members: [ann, ben] });
  const channel = discord.addChannel(guild, { name: 'general' });
  const bot = receiving(discord, options, handle);
  await bot.start();
  return { discord, ann, ben, guild, channel, dm: discord.dm(ann), bot };
}

const group = (channel: FakeChannel) => ({
  platform: 'discord',
  chatId: channel.id,
  kind: 'group',
});

/** A message of the bot with one button. */
async function button(
  { discord, bot }: { discord: FakeDiscord; bot: ReturnType<typeof receiving> },
  channel: FakeChannel,
  action: string,
) {
  const id = await bot.platform.sender.notify(
    {
      chat: {
        platform: 'discord',
        chatId: channel.id,
        kind: channel.kind === 'dm' ? 'direct' : 'group',
      },
    },
    {
      markdown: 'Well?',
      buttons: [
        action.startsWith('dm:')
          ? [{ label: 'Go', directChat: action.slice(3) }]
          : [{ label: 'Go', action }],
      ],
    },
  );
  const message = discord.message(id ?? '');
  if (message === undefined) throw new Error('nothing was sent');
  return message;
}

describe('a slash command', () => {
  test('is acknowledged, and reaches the core with what an answer needs', async () => {
    const { discord, ann, channel, bot } = await garden();
    const asked = ann.slash('ask', { prompt: ' why? ' }, channel);
    expect((await asked.acknowledged()).kind).toBe('defer');
    const message = await bot.message();
    expect(message).toMatchObject({
      chat: group(channel),
      sender: { platformUserId: ann.id },
      messageId: `interaction:${asked.id}`,
      addressed: 'command',
      command: { name: 'ask', argument: 'why?' },
      text: 'why?',
    });
    expect(message.answeredPrivately).toBeUndefined();
    expect(parseReplyHandle(message.replyHandle)).toEqual({
      applicationId: discord.applicationId,
      token: asked.token,
      interactionId: asked.id,
      ephemeral: false,
      canSend: true,
    });
  });

  test('takes a file along', async () => {
    const { ann, channel, bot } = await garden();
    const file = { name: 'a.py', bytes: new TextEncoder().encode('print(1)') };
    ann.slash('ask', { prompt: 'what is it?', file }, channel);
    expect((await bot.message()).files).toMatchObject([{ kind: 'text', name: 'a.py', size: 8 }]);
  });

  test('is answered to one alone where it is private, or was asked for so', async () => {
    const { discord, ann, channel, dm, bot } = await garden();
    const isEphemeral = async (command: string, options = {}, where = channel) => {
      const before = bot.messages().length;
      const asked = ann.slash(command, options, where);
      await asked.acknowledged();
      const message = await bot.message(before);
      const handle = parseReplyHandle(message.replyHandle);
      expect(asked.original?.ephemeral).toBe(handle?.ephemeral);
      expect(message.answeredPrivately ?? false).toBe(handle?.ephemeral);
      return handle?.ephemeral;
    };
    expect(await isEphemeral('usage')).toBe(true);
    expect(await isEphemeral('setkey')).toBe(true);
    expect(await isEphemeral('help')).toBe(true);
    expect(await isEphemeral('ask', { prompt: 'x', private: true })).toBe(true);
    expect(await isEphemeral('ask', { prompt: 'x', private: false })).toBe(false);
    expect(await isEphemeral('new')).toBe(false);
    expect(await isEphemeral('usage', {}, dm)).toBe(false);
    expect(await isEphemeral('ask', { prompt: 'x', private: true }, dm)).toBe(false);
    expect(discord.interactions.every(({ failed }) => !failed)).toBe(true);
  });

  test('that the bot no longer has says so at once', async () => {
    const { ann, channel, bot } = await garden();
    await bot.platform.registerCommands({
      ...MENU,
      group: [...MENU.group, { name: 'old', description: 'An old one' }],
    });
    const run = () => ann.slash('old', {}, channel);
    bot.platform.registerCommands(MENU).catch(() => {});
    const asked = run();
    expect(await asked.answered()).toMatchObject({ content: COMMAND_IS_GONE, ephemeral: true });
    expect(bot.events).toEqual([]);
  });

  test('in a thread belongs to the thread', async () => {
    const { discord, ann, channel, bot } = await garden();
    const thread = discord.addThread(channel, { name: 'deep' });
    ann.slash('ask', { prompt: 'x' }, thread);
    expect((await bot.message()).chat).toMatchObject({ ...group(channel), threadId: thread.id });
  });

  test('works where the bot is not: there its answer lasts no longer than its token', async () => {
    const { discord, ann, ben, bot } = await garden();
    const away = discord.addGuild({ name: 'Away', members: [ann], hasBot: false });
    const strict = discord.addGuild({
      name: 'Strict',
      owner: ben,
      members: [ann],
      hasBot: false,
      externalApps: false,
    });
    const places = [
      discord.addChannel(away, { name: 'general' }),
      discord.addChannel(strict, { name: 'general' }),
      discord.groupDm([ann, ben]),
    ];
    for (const [index, place] of places.entries()) {
      const asked = ann.slash('ask', { prompt: 'x' }, place);
      await asked.acknowledged();
      const { chat, replyHandle } = await bot.message(index);
      expect(chat).toEqual(group(place));
      expect(parseReplyHandle(replyHandle)).toMatchObject({
        canSend: false,
        ephemeral: index === 1,
      });
    }
  });

  test('in a channel where the bot may not write says so to the core', async () => {
    const { discord, ann, channel, bot } = await garden();
    discord.setBotPermissions(channel, PermissionFlagsBits.ViewChannel);
    ann.slash('ask', { prompt: 'x' }, channel);
    const { replyHandle } = await bot.message();
    expect(parseReplyHandle(replyHandle)).toMatchObject({ canSend: false });
  });

  test('that the core can not take is answered with a sentence', async () => {
    const { ann, channel } = await garden(
      async () => {
        throw new Error('always');
      },
      { receiving: { deliverPatienceMs: 60 } },
    );
    const asked = ann.slash('ask', { prompt: 'x' }, channel);
    expect((await asked.answered()).content).toBe(COULD_NOT_TAKE_IN);
  });

  test('is acknowledged at once while the core hangs, fifty at a time', async () => {
    let release = () => {};
    const core = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { ann, channel } = await garden(() => core);
    const asked = Array.from({ length: 50 }, () => ann.slash('ask', { prompt: 'x' }, channel));
    const waits = await Promise.all(asked.map((one) => one.acknowledged()));
    const sorted = waits.map(({ afterMs }) => afterMs).sort((a, b) => a - b);
    release();
    const p99 = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.POSITIVE_INFINITY;
    process.stdout.write(`acknowledgement of 50 at once: p99 ${Math.round(p99)} ms\n`);
    expect(p99).toBeLessThan(1500);
  });

  test('whose acknowledgement fails once on the way is acknowledged all the same', async () => {
    const { discord, ann, channel, bot } = await garden();
    const route = 'POST /interactions/:interaction/:token/callback';
    for (const fault of [{ dropBefore: true }, { dropAfter: true }, { status: 503 }]) {
      const before = bot.messages().length;
      discord.fail({ route, times: 1, ...fault });
      const asked = ann.slash('ask', { prompt: 'x' }, channel);
      await asked.acknowledged();
      await bot.message(before);
    }
  });

  test('that was answered too late is not carried out behind its user’s back', async () => {
    const { discord, ann, channel, bot } = await garden();
    discord.fail({
      route: 'POST /interactions/:interaction/:token/callback',
      times: 1,
      status: 404,
      code: 10062,
    });
    ann.slash('ask', { prompt: 'late' }, channel);
    await discord.waitFor(() => bot.log.lines.some(({ level }) => level === 'warn'));
    ann.slash('ask', { prompt: 'in time' }, channel);
    expect(await bot.message()).toMatchObject({ text: 'in time' });
  });
});

describe('a command on a message', () => {
  test('brings the message with its files, in a server whose talk can not be read', async () => {
    const { ann, ben, channel, bot } = await garden();
    const code = ben.says(channel, 'let a = 1;', {
      attachments: [{ name: 'b.ts', bytes: new TextEncoder().encode('let b;') }],
    });
    const asked = ann.messageCommand('Explain this code', code);
    await asked.acknowledged();
    expect(await bot.message()).toMatchObject({
      chat: group(channel),
      addressed: 'command',
      command: { name: 'explain', argument: '' },
      quoted: {
        messageId: code.id,
        authorName: 'ben',
        fromBot: false,
        text: 'let a = 1;',
        files: [{ kind: 'text', name: 'b.ts' }],
      },
    });
    expect(asked.original?.ephemeral).toBe(false);
  });

  test('reads what the embeds of a message say that has no text', async () => {
    const { ann, ben, channel, bot } = await garden();
    const embeds = [
      { title: 'Build 7', description: 'let a = ;', fields: [{ name: 'line', value: '3' }] },
    ];
    const only = ben.says(channel, '', { fields: { embeds } });
    ann.messageCommand('Fix this code', only);
    expect((await bot.message()).quoted?.text).toBe('Build 7\nlet a = ;\nline: 3');
    ann.messageCommand('Fix this code', ben.says(channel, '', { fields: { embeds: [] } }));
    expect((await bot.message(1)).quoted?.text).toBe('');
  });
});

describe('a button', () => {
  test('is acknowledged and reaches the core', async () => {
    const world = await garden();
    const { ann, channel, bot } = world;
    const message = await button(world, channel, 'new:now');
    const pressed = ann.presses(message, 'Go');
    expect((await pressed.acknowledged()).kind).toBe('deferUpdate');
    const press = await bot.press();
    expect(press).toMatchObject({
      chat: group(channel),
      sender: { platformUserId: ann.id },
      action: 'new:now',
      messageId: message.id,
      pressId: pressed.id,
    });
    expect(parseReplyHandle(press.replyHandle)).toMatchObject({ token: pressed.token });
  });

  test('that the core can not take is answered to who pressed, alone', async () => {
    const world = await garden(
      async () => {
        throw new Error('always');
      },
      { receiving: { deliverPatienceMs: 60 } },
    );
    const { ann, channel } = world;
    const pressed = ann.presses(await button(world, channel, 'new:now'), 'Go');
    const answer = await pressed.answered();
    expect(answer).toMatchObject({ content: COULD_NOT_TAKE_IN, ephemeral: true });
  });

  test('that leads to the direct chat runs there, and shows the way to who pressed', async () => {
    const world = await garden();
    const { discord, ann, channel, dm, bot } = world;
    const pressed = ann.presses(await button(world, channel, 'dm:usage'), 'Go');
    const answer = await pressed.answered();
    expect(answer).toMatchObject({ content: inDirectChat, ephemeral: true });
    expect(answer.buttons[0]?.url).toBe(`https://discord.com/channels/@me/${dm.id}`);
    const press = await bot.press();
    expect(press).toMatchObject({
      chat: { platform: 'discord', chatId: dm.id, kind: 'direct' },
      action: 'run:usage',
    });
    expect(press.replyHandle).toBeUndefined();
    discord.fail({ route: 'POST /users/@me/channels', status: 403, code: 50007 });
    const again = ann.presses(await button(world, channel, 'dm:usage'), 'Go');
    expect((await again.answered()).content).toBe(NO_DIRECT_CHAT);
  });
});

describe('the form for a key', () => {
  const key = ['sk', 'proj', 'x'.repeat(40)].join('-');

  test('opens in the direct chat, from the command and from buttons, and comes empty', async () => {
    const world = await garden();
    const { ann, dm, channel, bot } = world;
    const opened = [
      ann.slash('setkey', {}, dm),
      ann.presses(await button(world, dm, 'run:setkey'), 'Go'),
      ann.presses(await button(world, dm, 'dm:setkey'), 'Go'),
    ];
    for (const one of opened) {
      const modal = JSON.stringify(await one.opened());
      expect(modal).toContain(keyForm.title);
      expect(modal).toContain('Anthropic');
      expect(modal).not.toContain('"value":""');
    }
    expect(bot.events).toEqual([]);
    const inServer = ann.slash('setkey', {}, channel);
    expect((await inServer.acknowledged()).kind).toBe('defer');
    expect(inServer.original?.ephemeral).toBe(true);
    expect(await bot.message()).toMatchObject({ command: { name: 'setkey', argument: '' } });
  });

  test('brings the key to the core, and nowhere else', async () => {
    const { discord, ann, dm, bot } = await garden();
    const opened = ann.slash('setkey', {}, dm);
    await opened.opened();
    const submitted = ann.submits(opened, { provider: ['openai'], key: ` ${key}\n` });
    expect((await submitted.acknowledged()).kind).toBe('defer');
    const message = await bot.message();
    expect(message).toMatchObject({
      chat: { platform: 'discord', chatId: dm.id, kind: 'direct' },
      messageId: `interaction:${submitted.id}`,
      text: '',
      command: { name: 'setkey', argument: `openai ${key}` },
      leavesNoMessage: true,
    });
    expect(parseReplyHandle(message.replyHandle)?.ephemeral).toBe(true);
    ann.submits(opened, { key });
    expect(await bot.message(1)).toMatchObject({ command: { argument: key } });
    expect(JSON.stringify(discord.calls)).not.toContain(key);
    expect(JSON.stringify(bot.log.lines)).not.toContain(key);
  });

  test('without a key in it, or made up in a server, says so and does nothing', async () => {
    const { ann, dm, bot } = await garden();
    const opened = ann.slash('setkey', {}, dm);
    await opened.opened();
    for (const rubbish of ['', '  \n ']) {
      const submitted = ann.submits(opened, { key: rubbish }, { anyway: true });
      expect((await submitted.answered()).content).toBe(keyForm.empty);
    }
    expect(bot.events).toEqual([]);
  });
});

describe('autocomplete', () => {
  test('shows what the app suggests, cut to what Discord takes', async () => {
    const seen: unknown[] = [];
    const { ann, dm } = await garden(undefined, {
      suggest: async (typing: { typed: string }) => {
        seen.push(typing);
        return [
          { label: 'L'.repeat(300), value: 'v' },
          { label: 'too long to be the same', value: 'v'.repeat(101) },
          ...Array.from({ length: 40 }, (_, n) => ({ label: `m${n}`, value: `m${n}` })),
        ];
      },
    });
    const typing = ann.autocompletes('model', 'model', 'x'.repeat(6000), dm);
    await typing.acknowledged();
    expect(typing.choices).toHaveLength(25);
    expect(typing.choices?.[0]).toMatchObject({ name: 'L'.repeat(100), value: 'v' });
    expect(seen).toMatchObject([
      { command: 'model', typed: 'x'.repeat(100), sender: { platformUserId: ann.id } },
    ]);
  });

  test('shows nothing where suggesting fails or takes too long', async () => {
    const { ann, dm } = await garden(undefined, {
      suggest: ({ typed }: { typed: string }) =>
        typed === 'slow' ? new Promise(() => {}) : Promise.reject(new Error('no')),
    });
    for (const typed of ['slow', 'bad']) {
      const typing = ann.autocompletes('model', 'model', typed, dm);
      expect((await typing.acknowledged()).kind).toBe('autocomplete');
      expect(typing.choices).toEqual([]);
    }
  });
});
