import { PermissionFlagsBits } from 'discord-api-types/v10';
import { describe, expect, onTestFinished, test } from 'vitest';
import { PlatformError } from '../../../src/chat/platform.ts';
import type { Reply } from '../../../src/chat/reply.ts';
import { CONTINUE_BELOW, MAY_BE_A_REPEAT, THINKING } from '../../../src/text/discord.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { fencesBalanced, readable } from './client-view.ts';
import { asks, contents, people, presses, said, sending, target } from './sending.ts';

const POST = 'POST /channels/:channel/messages';
const PATCH = 'PATCH /channels/:channel/messages/:message';
const FOLLOW_UP = 'POST /webhooks/:application/:token';
const MINUTE = 60_000;

const words = (count: number, word = 'word') => Array(count).fill(word).join(' ');

function closing(reply: Reply): Reply {
  onTestFinished(() => reply.abandon());
  return reply;
}

async function inChannel(options?: Parameters<typeof people>[0]) {
  const world = await people(options);
  const bot = sending(world.discord);
  const question = world.ann.says(world.channel, 'why?');
  const log = memoryLog();
  const where = target(world.channel, question.id, { deliveries: log.deliveries });
  const open = (sender = bot.sender, fields = {}) =>
    closing(sender.openReply({ ...where, ...fields }));
  const read = () => contents(world.discord, world.channel);
  return { ...world, bot, question, log, open, read };
}

async function byInteraction(how: Parameters<typeof asks>[4] = {}) {
  const world = await people();
  const bot = sending(world.discord);
  const asked = await asks(world.discord, bot, world.ann, world.channel, how);
  const log = memoryLog();
  const { replyTo, replyHandle } = asked;
  const where = target(world.channel, replyTo, { replyHandle, deliveries: log.deliveries });
  const open = (sender = bot.sender, fields = {}) =>
    closing(sender.openReply({ ...where, ...fields }));
  const read = () => contents(world.discord, world.channel, world.ann);
  return { ...world, bot, asked, log, open, read };
}

describe('an answer in a channel', () => {
  test('thinks, grows with a button to stop it, and ends without', async () => {
    const { discord, channel, question, open, read } = await inChannel();
    const reply = open();
    await discord.waitFor(() => discord.isTyping(channel));
    await discord.waitFor(() => read()[0] === THINKING);
    reply.show({ markdown: 'It is' });
    await discord.waitFor(() => read()[0] === 'It is');
    expect(said(discord, channel)).toMatchObject([
      { replyTo: question.id, buttons: [{ label: 'Stop', customId: 'run:stop' }] },
    ]);
    await reply.finish({ markdown: 'It is so.', note: 'Paid by *nobody*.' });
    expect(said(discord, channel)).toMatchObject([
      { content: 'It is so.\n\nPaid by _nobody_.', buttons: [], pings: { repliedUser: false } },
    ]);
  });

  test('shows the newest text, and never queues edits', async () => {
    const { discord, open, read } = await inChannel();
    discord.fail({ route: PATCH, slowMs: 60 });
    const reply = open();
    for (let n = 0; n < 60; n += 1) {
      reply.show({ markdown: `at ${n}` });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await discord.waitFor(() => read()[0] === 'at 59');
    expect(discord.callsOf(PATCH).length).toBeLessThan(8);
    discord.clearFaults();
    await reply.finish({ markdown: 'Done.' });
    expect(read()).toEqual(['Done.']);
  });

  test('edits further apart once Discord asks for less', async () => {
    const { discord, open, read } = await inChannel();
    const reply = open(sending(discord, { editEveryMs: 60 }).sender);
    await discord.waitFor(() => read().length === 1);
    discord.fail({ route: PATCH, times: 1, status: 429, retryAfter: 0.1 });
    const growing = setInterval(() => reply.show({ markdown: `at ${Date.now()}` }), 5);
    onTestFinished(() => clearInterval(growing));
    const edits = await discord.waitFor(() => {
      const all = discord.callsOf(PATCH);
      return all.length >= 4 && all;
    });
    const [refused = 0, ...later] = edits.map(({ at }) => at);
    const gaps = later.map((at, index) => at - (later[index - 1] ?? refused));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(100);
    clearInterval(growing);
    await reply.finish({ markdown: 'Done.' });
    expect(read()).toEqual(['Done.']);
  });

  test('shares Discord’s limits with others in its channel, and hardly anything is refused', async () => {
    const { discord, ann, channel } = await people({ rates: { perRoute: 5, windowMs: 300 } });
    const { sender } = sending(discord, { editEveryMs: 80, answerBudgetMs: 10_000 });
    const replies = Array.from({ length: 6 }, (_, n) => {
      const question = ann.says(channel, `why ${n}?`);
      const { deliveries } = memoryLog();
      const where = target(channel, question.id, { turnId: n, deliveries });
      return closing(sender.openReply(where));
    });
    for (let at = 0; at < 80; at += 1) {
      for (const reply of replies) reply.show({ markdown: words(at + 1) });
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await Promise.all(replies.map((reply, n) => reply.finish({ markdown: `So ${n}.` })));
    expect(contents(discord, channel).toSorted()).toEqual(
      [0, 1, 2, 3, 4, 5].map((n) => `So ${n}.`),
    );
    // One or two may be: the client learns only by answers which requests share a limit.
    expect(discord.calls.filter(({ status }) => status === 429).length).toBeLessThanOrEqual(2);
  });

  test('that comes at once needs no preview', async () => {
    const { discord, open, read } = await inChannel();
    await open().finish({ markdown: 'Yes.' });
    expect(read()).toEqual(['Yes.']);
    expect(discord.callsOf(PATCH)).toEqual([]);
  });

  test('of many characters comes in messages with balanced fences', async () => {
    const { discord, channel, open, read } = await inChannel();
    const code = Array.from({ length: 40 }, (_, n) => `const v${n} = '${'x'.repeat(60)}';`);
    const markdown = `${words(300)}\n\n\`\`\`js\n${code.join('\n')}\n\`\`\`\n\n${words(300)}`;
    await open().finish({ markdown, buttons: [[{ label: 'Again', action: 'again' }]] });
    const all = said(discord, channel);
    expect(all.length).toBeGreaterThan(2);
    for (const { content } of all) {
      expect(content.length).toBeLessThanOrEqual(2000);
      expect(fencesBalanced(content)).toBe(true);
    }
    expect(all.map(({ buttons }) => buttons.length)).toEqual([...all.slice(1).map(() => 0), 1]);
    expect(read().map(readable).join('\n')).toContain(code[39]);
  });

  test('with very long code brings it as a file too', async () => {
    const { discord, channel, open } = await inChannel();
    const code = Array.from({ length: 200 }, (_, n) => `const v${n} = '${'x'.repeat(60)}';`);
    await open().finish({ markdown: `Here:\n\n\`\`\`ts\n${code.join('\n')}\n\`\`\`` });
    const files = said(discord, channel).flatMap((message) => message.files);
    expect(files.map(({ name }) => name)).toEqual(['code-1.ts']);
    expect(new TextDecoder().decode(files[0]?.bytes)).toBe(`${code.join('\n')}\n`);
  });

  test('brings the code as text where files are refused', async () => {
    const { discord, channel, open, read } = await inChannel();
    discord.setBotPermissions(
      channel,
      PermissionFlagsBits.ViewChannel |
        PermissionFlagsBits.SendMessages |
        PermissionFlagsBits.ReadMessageHistory,
    );
    const code = Array.from({ length: 200 }, (_, n) => `const v${n} = '${'x'.repeat(60)}';`);
    await open().finish({ markdown: `\`\`\`ts\n${code.join('\n')}\n\`\`\`` });
    expect(read().map(readable).join('\n')).toContain(code[199]);
  });

  test('offers a new conversation in direct chats and threads only', async () => {
    const { discord, ann, direct, thread, channel } = await people();
    const { sender } = sending(discord);
    for (const place of [direct, thread, channel]) {
      const question = ann.says(place, 'why?');
      await closing(sender.openReply(target(place, question.id))).finish({ markdown: 'So.' });
    }
    const labels = [direct, thread, channel].map((place) =>
      said(discord, place).flatMap(({ buttons }) => buttons.map(({ customId }) => customId)),
    );
    expect(labels).toEqual([['run:new'], ['run:new'], []]);
  });

  test('comes in a thread where that is wished, and another process goes on there', async () => {
    const { discord, channel, question, open, read } = await inChannel();
    const opensThread = { name: 'Why,\n it is asked' };
    const markdown = `${words(390)}\n\n${words(390, 'more')}`;
    const reply = open(undefined, { opensThread });
    const thread = await discord.waitFor(() =>
      discord.threads(channel).find(({ id }) => id === question.id),
    );
    await discord.waitFor(() => contents(discord, thread)[0] === THINKING);
    await reply.abandon();
    await open(sending(discord).sender, { opensThread }).finish({ markdown });
    expect(thread.name).toBe('Why, it is asked');
    expect(contents(discord, thread)).toEqual([words(390), words(390, 'more')]);
    expect(read()).toEqual([]);
  });

  test('comes in the channel where no thread may be begun', async () => {
    const { discord, channel, question, open, read } = await inChannel();
    discord.setBotPermissions(
      channel,
      PermissionFlagsBits.ViewChannel |
        PermissionFlagsBits.SendMessages |
        PermissionFlagsBits.ReadMessageHistory,
    );
    const opensThread = { name: 'Why' };
    const reply = open(undefined, { opensThread });
    await discord.waitFor(() => read()[0] === THINKING);
    await reply.abandon();
    await open(sending(discord).sender, { opensThread }).finish({ markdown: 'So.' });
    expect(said(discord, channel)).toMatchObject([{ content: 'So.', replyTo: question.id }]);
  });

  test('that arrived unconfirmed stands once', async () => {
    const { discord, open, read } = await inChannel();
    discord.fail({ route: POST, times: 1, dropAfter: true });
    await open().finish({ markdown: 'So.' });
    expect(read()).toEqual(['So.']);
  });

  test('whose placeholder arrived unconfirmed stands once', async () => {
    const { discord, open, read } = await inChannel();
    discord.fail({ route: POST, times: 1, dropAfter: true });
    const reply = open();
    await discord.waitFor(() => read()[0] === THINKING);
    await reply.finish({ markdown: 'So.' });
    expect(read()).toEqual(['So.']);
  });

  test('of which nobody knows whether it arrived is found by its nonce', async () => {
    const { discord, log, open, read } = await inChannel();
    discord.fail({ route: POST, times: 1, dropAfter: true });
    const first = open();
    await discord.waitFor(() => read()[0] === THINKING);
    await first.abandon();
    log.parts.set(0, null);
    await open(sending(discord).sender).finish({ markdown: 'So.' });
    expect(read()).toEqual(['So.']);
  });

  test('that is found by its nonce with all of its words loses the button to stop it', async () => {
    const { discord, channel, log, open, read } = await inChannel();
    discord.fail({ route: POST, times: 1, dropAfter: true });
    const first = open();
    first.show({ markdown: 'So.' });
    await discord.waitFor(() => read()[0] === 'So.');
    await first.abandon();
    log.parts.set(0, null);
    await open(sending(discord).sender).finish({ markdown: 'So.' });
    expect(read()).toEqual(['So.']);
    expect(discord.messages(channel).flatMap(({ buttons }) => buttons)).toEqual([]);
  });

  test('of which nobody knows since long whether it arrived says that it may be a repeat', async () => {
    const { discord, log, open, read } = await inChannel();
    log.parts.set(0, null);
    await open(sending(discord).sender).finish({ markdown: 'So.' });
    expect(read()).toEqual([`${MAY_BE_A_REPEAT}\n\nSo.`]);
  });

  test('goes on in another process with what was not sent', async () => {
    const { discord, open, read } = await inChannel();
    const markdown = `${words(390)}\n\n${words(390, 'more')}\n\n${words(390, 'last')}`;
    const sent = () => discord.callsOf(POST).length;
    discord.fail({ route: POST, status: 429, retryAfter: 60, when: () => sent() > 2 });
    const first = open(sending(discord, { answerBudgetMs: 100 }).sender);
    await expect(first.finish({ markdown })).rejects.toBeInstanceOf(PlatformError);
    discord.clearFaults();
    await open(sending(discord).sender).finish({ markdown });
    expect(read().map((text) => text.split(' ').at(-1))).toEqual(['word', 'more', 'last']);
  });

  test('comes afresh when its message was deleted meanwhile', async () => {
    const { discord, channel, open, read } = await inChannel();
    const reply = open();
    await discord.waitFor(() => read().length === 1);
    const [message] = said(discord, channel);
    if (message !== undefined) discord.deleteMessage(message);
    await reply.finish({ markdown: 'So.' });
    expect(read()).toEqual(['So.']);
  });

  test.each(['the channel is deleted', 'the bot is thrown out', 'the bot may not write any more'])(
    'ends with a code when %s meanwhile',
    async (what) => {
      const { discord, guild, channel, open, read } = await inChannel();
      const reply = open();
      await discord.waitFor(() => read().length === 1);
      if (what.includes('deleted')) discord.deleteChannel(channel);
      else if (what.includes('thrown')) discord.removeBot(guild);
      else discord.setBotPermissions(channel, 0n);
      const error = await reply.finish({ markdown: `${words(390)}\n\n${words(390)}` }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(PlatformError);
      expect(error).toMatchObject({ retryable: false });
    },
  );
});

describe('an answer to an interaction', () => {
  test('takes the place of “is thinking”, and goes on below', async () => {
    const { discord, asked, open, read } = await byInteraction();
    const reply = open();
    await discord.waitFor(() => read()[0] === THINKING);
    reply.show({ markdown: 'It' });
    await discord.waitFor(() => read()[0] === 'It');
    await reply.finish({ markdown: `${words(390)}\n\n${words(390, 'more')}` });
    expect(read()).toEqual([words(390), words(390, 'more')]);
    expect(asked.interaction.original?.content).toBe(words(390));
    expect(discord.calls.filter(({ route }) => route.startsWith('POST /channels'))).toEqual([]);
    expect(
      discord.calls
        .filter(({ route }) => route.includes('webhooks'))
        .some((call) => call.authorized),
    ).toBe(false);
  });

  test('that is private stays private, every part of it', async () => {
    const { discord, ben, channel, open, read } = await byInteraction({ ephemeral: true });
    await open().finish({ markdown: `${words(390)}\n\n${words(390, 'more')}` });
    expect(read()).toEqual([words(390), words(390, 'more')]);
    expect(contents(discord, channel, ben)).toEqual([]);
  });

  test('of which nobody knows whether its first part arrived stands once', async () => {
    const { discord, log, open, read } = await byInteraction();
    log.parts.set(0, null);
    await open(sending(discord).sender).finish({ markdown: 'So.' });
    expect(read()).toEqual(['So.']);
  });

  test('of which nobody knows whether a later part arrived says that it may be a repeat', async () => {
    const { discord, open, read } = await byInteraction();
    discord.fail({ route: FOLLOW_UP, times: 1, dropAfter: true });
    await open().finish({ markdown: `${words(390)}\n\n${words(300, 'more')}` });
    expect(read()).toEqual([
      words(390),
      words(300, 'more'),
      `${MAY_BE_A_REPEAT}\n\n${words(300, 'more')}`,
    ]);
  });

  test('is not sent at all when its handle can not be read', async () => {
    const { discord, ann, channel } = await people();
    const { sender } = sending(discord);
    const question = ann.says(channel, 'why?');
    const reply = closing(sender.openReply(target(channel, question.id, { replyHandle: '{}' })));
    reply.show({ markdown: 'So' });
    await expect(reply.finish({ markdown: 'So.' })).rejects.toMatchObject({ code: 'expired' });
    expect(contents(discord, channel)).toEqual([]);
  });

  test('says that a part may be a repeat when Discord failed over it', async () => {
    const { discord, open, read } = await byInteraction();
    discord.fail({ route: FOLLOW_UP, times: 1, status: 502 });
    await open().finish({ markdown: `${words(390)}\n\n${words(300, 'more')}` });
    expect(read()).toEqual([words(390), `${MAY_BE_A_REPEAT}\n\n${words(300, 'more')}`]);
  });

  test('is not sent again by another process', async () => {
    const { discord, open, read } = await byInteraction();
    const markdown = `${words(390)}\n\n${words(390, 'more')}`;
    await open().finish({ markdown });
    await open(sending(discord).sender).finish({ markdown });
    expect(read()).toEqual([words(390), words(390, 'more')]);
  });

  test('goes on with the bot’s token after 15 minutes, where the bot may write', async () => {
    const { discord, open, read } = await byInteraction();
    const reply = open();
    reply.show({ markdown: 'It' });
    await discord.waitFor(() => read()[0] === 'It');
    discord.advance(16 * MINUTE);
    reply.show({ markdown: 'It is' });
    await discord.waitFor(() => read()[0] === 'It is');
    await reply.finish({ markdown: `${words(390)}\n\n${words(390, 'more')}` });
    expect(read()).toEqual([words(390), words(390, 'more')]);
    expect(discord.calls.filter(({ status }) => status >= 400)).toEqual([]);
  });

  test('comes as a message of its own after 15 minutes of silence', async () => {
    const { discord, open, read } = await byInteraction();
    discord.advance(16 * MINUTE);
    await open().finish({ markdown: 'So.' });
    expect(read()).toEqual(['So.']);
  });

  test.each([
    ['private', { ephemeral: true }],
    ['in a place that the bot is not in', { canSend: false }],
  ])('that is %s is left to a button after 14 minutes, whose press brings it', async (_, how) => {
    const { discord, ann, channel, bot, asked, log, open, read } = await byInteraction(how);
    discord.advance(14 * MINUTE - 300);
    const reply = open();
    reply.show({ markdown: 'So far' });
    const left = await discord.waitFor(() =>
      said(discord, channel, ann).find(({ content }) => content.includes(CONTINUE_BELOW)),
    );
    expect(left.content).toBe(`So far\n\n${CONTINUE_BELOW}`);
    expect(left.buttons).toMatchObject([{ label: 'Continue', customId: 'continue:31' }]);
    const markdown = `${words(390)}\n\n${words(390, 'more')}`;
    await expect(reply.finish({ markdown })).rejects.toMatchObject({ code: 'expired' });
    discord.advance(5 * MINUTE);
    await expect(open().finish({ markdown })).rejects.toMatchObject({ code: 'expired' });

    const { replyHandle } = await presses(discord, bot, ann, left, 'Continue', how);
    const again = { replyHandle, replyTo: asked.replyTo, deliveries: log.deliveries };
    await open(sending(discord).sender, again).finish({ markdown });
    expect(read()).toEqual([words(390), words(390, 'more')]);
  });

  test('comes below when what Discord showed for it was deleted meanwhile', async () => {
    const { discord, asked, open, read } = await byInteraction({ canSend: false });
    const reply = open();
    await discord.waitFor(() => read().length === 1);
    const { original } = asked.interaction;
    if (original !== undefined) discord.deleteMessage(original);
    await reply.finish({ markdown: 'So.' });
    expect(read()).toEqual(['So.']);
  });

  test('that a press led to comes below the message with the button', async () => {
    const { discord, ann, channel } = await people();
    const bot = sending(discord);
    const buttons = [[{ label: 'Again', action: 'again' }]];
    await bot.sender.notify({ chat: target(channel, '').chat }, { markdown: 'Old', buttons });
    const [old] = said(discord, channel);
    if (old === undefined) throw new Error('no notice');
    const { replyHandle } = await presses(discord, bot, ann, old, 'Again');
    const reply = closing(bot.sender.openReply(target(channel, old.id, { replyHandle })));
    await reply.finish({ markdown: 'New' });
    expect(contents(discord, channel)).toEqual(['Old', 'New']);
  });

  test('that is private may fill many messages where the bot is', async () => {
    const { open, read } = await byInteraction({ ephemeral: true });
    const markdown = Array.from({ length: 9 }, (_, n) => words(390, `part${n}`)).join('\n\n');
    await open().finish({ markdown });
    expect(read().length).toBeGreaterThanOrEqual(9);
  });

  test('where Discord takes a few messages only comes as a file from there on', async () => {
    const { discord, ann, channel, open } = await byInteraction({ canSend: false });
    const markdown = Array.from({ length: 9 }, (_, n) => words(390, `part${n}`)).join('\n\n');
    await open().finish({ markdown, note: 'The note.' });
    const all = said(discord, channel, ann);
    expect(all).toHaveLength(5);
    expect(all.at(-1)?.content).toContain('The note.');
    expect(new TextDecoder().decode(all.at(-1)?.files[0]?.bytes)).toContain('part8');
  });
});
