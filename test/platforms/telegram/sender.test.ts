import { createServer } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { FileReference } from '../../../src/chat/message.ts';
import type { NoticeTarget } from '../../../src/chat/platform.ts';
import { PlatformError } from '../../../src/chat/platform.ts';
import { messageIdOf } from '../../../src/platforms/telegram/message-id.ts';
import { addressOf, people, sending } from './sending.ts';

describe('a notice', () => {
  test('is formatted by entities, replies, and shows no preview of links', async () => {
    const { telegram, ann, direct } = await people();
    const asked = telegram.say(direct, ann, 'hi');
    const { sender } = sending(telegram);
    const where = { chat: addressOf(direct), replyTo: String(asked.message_id) };
    const id = await sender.notify(where, { markdown: 'a **bold** https://example.org' });
    const shown = telegram.messages(direct).at(-1);
    expect(shown).toMatchObject({
      message_id: Number(id),
      text: 'a bold https://example.org',
      reply_to_message: { message_id: asked.message_id },
    });
    expect(shown?.entities).toContainEqual({ type: 'bold', offset: 2, length: 4 });
    expect(telegram.callsOf('sendMessage')[0]?.payload).toMatchObject({
      link_preview_options: { is_disabled: true },
      reply_parameters: { allow_sending_without_reply: true },
    });
  });

  test('has buttons for actions, pages and the direct chat', async () => {
    const { telegram, direct } = await people();
    const { sender } = sending(telegram);
    const buttons = [
      [{ label: 'Go', action: 'go:1' }],
      [
        { label: 'Page', url: 'https://example.org/' },
        { label: 'Chat', directChat: 'setkey' },
      ],
    ];
    await sender.notify({ chat: addressOf(direct) }, { markdown: 'x', buttons });
    const [shown] = telegram.messages(direct);
    expect(shown && telegram.buttons(shown)).toEqual([
      { label: 'Go', data: 'go:1' },
      { label: 'Page', url: 'https://example.org/' },
      { label: 'Chat', url: `https://t.me/${telegram.bot.username}?start=setkey` },
    ]);
  });

  test('that is long comes in parts, with its buttons on the last', async () => {
    const { telegram, direct } = await people();
    const { sender } = sending(telegram);
    const markdown = Array.from({ length: 30 }, () => 'word '.repeat(50)).join('\n\n');
    const buttons = [[{ label: 'Go', action: 'go' }]];
    const id = await sender.notify({ chat: addressOf(direct) }, { markdown, buttons });
    const shown = telegram.messages(direct);
    expect(shown.length).toBe(2);
    expect(shown.map((message) => telegram.buttons(message).length)).toEqual([0, 1]);
    expect(id).toBe(String(shown[1]?.message_id));
  });

  test('comes with a file, whose bytes arrive as they are, and is its caption', async () => {
    const { telegram, direct } = await people();
    const { sender } = sending(telegram);
    const bytes = Uint8Array.from({ length: 3_000 }, (_, n) => n % 251);
    const file = { name: 'all-of-it.json', mediaType: 'application/json', bytes };
    const id = await sender.notify(
      { chat: addressOf(direct) },
      { markdown: '**Here** it is', file },
    );
    const [sent, ...more] = telegram.messages(direct);
    expect(more).toEqual([]);
    expect(sent).toMatchObject({ message_id: Number(id), caption: 'Here it is' });
    expect(sent?.document?.file_name).toBe('all-of-it.json');
    expect(telegram.file(sent?.document?.file_id ?? '')).toEqual(bytes);
    const long = 'word '.repeat(300);
    await sender.notify({ chat: addressOf(direct) }, { markdown: long, file });
    const [text, document] = telegram.messages(direct).slice(1);
    expect(text?.text).toBe(long.trim());
    expect(document?.document?.file_name).toBe('all-of-it.json');
  });

  test('goes into its topic', async () => {
    const { telegram, ann } = await people();
    const group = telegram.group({ title: 'Team', forum: true, members: [ann] });
    const topic = telegram.topic(group, 'Code');
    await sending(telegram).sender.notify({ chat: addressOf(group, topic) }, { markdown: 'x' });
    expect(telegram.messages(group, { thread: topic }).at(-1)?.text).toBe('x');
  });

  test('to a deleted message is sent all the same', async () => {
    const { telegram, ann, direct } = await people();
    const asked = telegram.say(direct, ann, 'hi');
    telegram.remove(asked);
    const where = { chat: addressOf(direct), replyTo: String(asked.message_id) };
    await sending(telegram).sender.notify(where, { markdown: 'x' });
    expect(telegram.messages(direct).at(-1)?.text).toBe('x');
  });

  test('waits as long as Telegram asks', async () => {
    const { telegram, direct } = await people();
    telegram.fail({ method: 'sendMessage', times: 1, retryAfter: 1 });
    await sending(telegram).sender.notify({ chat: addressOf(direct) }, { markdown: 'x' });
    const [first, second] = telegram.callsOf('sendMessage');
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(900);
    expect(telegram.messages(direct)).toHaveLength(1);
  });

  test('of which nobody knows whether it arrived is not sent again', async () => {
    const { telegram, direct } = await people();
    telegram.fail({ method: 'sendMessage', times: 1, dropAfter: true });
    const sent = sending(telegram).sender.notify({ chat: addressOf(direct) }, { markdown: 'x' });
    await expect(sent).rejects.toMatchObject({ code: 'unreachable' });
    expect(telegram.messages(direct)).toHaveLength(1);
  });

  test.each([
    [{ status: 403, description: 'Forbidden: bot was blocked by the user' }, 'blocked'],
    [{ status: 400, description: 'Bad Request: chat not found' }, 'gone'],
    [{ status: 400, description: 'Bad Request: message thread not found' }, 'gone'],
    [{ status: 400, description: 'Bad Request: TOPIC_CLOSED' }, 'gone'],
    [
      { status: 400, description: 'Bad Request: not enough rights to send text messages' },
      'blocked',
    ],
    [{ status: 400, description: 'Bad Request: something new' }, 'refused'],
    [{ retryAfter: 60 }, 'flood'],
  ])('that meets %o ends as %s', async (fault, code) => {
    const { telegram, direct } = await people();
    telegram.fail({ method: 'sendMessage', ...fault });
    const sent = sending(telegram).sender.notify(
      { chat: addressOf(direct) },
      { markdown: 'secret' },
    );
    const error = await sent.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PlatformError);
    expect(error).toMatchObject({ code, retryAfterMs: code === 'flood' ? 60_000 : 0 });
    expect(JSON.stringify(Object.entries(error ?? {}))).not.toContain('secret');
    expect(String(error)).not.toContain(telegram.token);
  });

  test('whose formatting is refused comes as plain text', async () => {
    const { telegram, direct } = await people();
    const description = "Bad Request: can't parse entities";
    telegram.fail({
      method: 'sendMessage',
      status: 400,
      description,
      when: (p) => p.entities !== undefined,
    });
    await sending(telegram).sender.notify({ chat: addressOf(direct) }, { markdown: 'a **b**' });
    expect(telegram.messages(direct)).toMatchObject([{ text: 'a b' }]);
  });
});

describe('a notice for one person of a group', () => {
  async function inGroup(botIsAdmin = true) {
    const { telegram, ann, ben } = await people();
    const group = telegram.group({ title: 'Team', members: [ann, ben], botIsAdmin });
    const asked = telegram.say(group, ann, '/usage');
    const notify: NoticeTarget = {
      chat: addressOf(group),
      replyTo: String(asked.message_id),
      onlyFor: { platformUserId: String(ann.id), publicMarkdown: 'Nothing left today.' },
    };
    return { telegram, ann, ben, group, notify };
  }

  test('is seen by that person alone', async () => {
    const { telegram, ann, ben, group, notify } = await inGroup();
    await sending(telegram).sender.notify(notify, { markdown: 'private' });
    expect(telegram.messages(group, { as: ann }).at(-1)?.text).toBe('private');
    expect(telegram.messages(group, { as: ben }).some(({ text }) => text === 'private')).toBe(
      false,
    );
  });

  test('becomes a short public reply where that is refused', async () => {
    const { telegram, ben, group, notify } = await inGroup(false);
    await sending(telegram).sender.notify(notify, { markdown: 'private' });
    const shown = telegram.messages(group, { as: ben });
    expect(shown.at(-1)?.text).toBe('Nothing left today.');
    expect(shown.some(({ text }) => text === 'private')).toBe(false);
  });

  test('can be edited and deleted by the id that it got', async () => {
    const { telegram, ann, group, notify } = await inGroup();
    const { sender } = sending(telegram);
    const id = (await sender.notify(notify, { markdown: 'private' })) ?? '';
    await sender.editNotice(addressOf(group), id, { markdown: 'changed' });
    expect(telegram.messages(group, { as: ann }).at(-1)?.text).toBe('changed');
    expect(await sender.deleteMessage(addressOf(group), id)).toBe('deleted');
    expect(telegram.messages(group, { as: ann })).toHaveLength(1);
  });

  test('follows a press where the bot is no administrator', async () => {
    const { telegram, ann, ben, group, notify } = await inGroup(false);
    const { sender } = sending(telegram);
    const buttons = [[{ label: 'More', action: 'more' }]];
    await sender.notify({ chat: notify.chat }, { markdown: 'x', buttons });
    const shown = telegram.messages(group).at(-1);
    if (shown === undefined) throw new Error('nothing was sent');
    const update = telegram.press(shown, 'More', ann);
    const press = {
      chat: notify.chat,
      sender: { platformUserId: String(ann.id), displayName: 'Ann' },
      action: 'more',
      pressId: update.callback_query?.id ?? '',
    };
    await sender.notify({ ...notify, press }, { markdown: 'private' });
    expect(telegram.messages(group, { as: ann }).at(-1)?.text).toBe('private');
    expect(telegram.messages(group, { as: ben }).at(-1)?.text).toBe('x');
  });

  test('answers a command that one person alone saw', async () => {
    const { telegram, ann, ben, group } = await inGroup(false);
    const asked = telegram.say(group, ann, '/usage', { ephemeral: true });
    const replyTo = messageIdOf(asked, ann.id);
    await sending(telegram).sender.notify(
      { chat: addressOf(group), replyTo },
      { markdown: 'yours' },
    );
    expect(telegram.messages(group, { as: ann }).at(-1)?.text).toBe('yours');
    expect(telegram.messages(group, { as: ben }).some(({ text }) => text === 'yours')).toBe(false);
  });

  test('is an ordinary one in a private chat', async () => {
    const { telegram, ann, direct } = await people();
    const onlyFor = { platformUserId: String(ann.id), publicMarkdown: 'public' };
    await sending(telegram).sender.notify(
      { chat: addressOf(direct), onlyFor },
      { markdown: 'mine' },
    );
    expect(telegram.messages(direct)).toMatchObject([{ text: 'mine' }]);
    const [call] = telegram.callsOf('sendMessage');
    expect(call?.payload).not.toHaveProperty('ephemeral_message_parameters');
  });
});

describe('an edit of a notice', () => {
  test('replaces text and buttons', async () => {
    const { telegram, direct } = await people();
    const { sender } = sending(telegram);
    const chat = addressOf(direct);
    const buttons = [[{ label: 'Go', action: 'go' }]];
    const id = (await sender.notify({ chat }, { markdown: 'one', buttons })) ?? '';
    await sender.editNotice(chat, id, { markdown: 'two' });
    const [shown] = telegram.messages(direct);
    expect(shown?.text).toBe('two');
    expect(shown && telegram.buttons(shown)).toEqual([]);
  });

  test('that has become too long goes on in messages of its own', async () => {
    const { telegram, direct } = await people();
    const { sender } = sending(telegram);
    const chat = addressOf(direct);
    const id = (await sender.notify({ chat }, { markdown: 'one' })) ?? '';
    await sender.editNotice(chat, id, { markdown: `${'word '.repeat(900)}end` });
    const [first, second] = telegram.messages(direct);
    expect(first?.text?.startsWith('word')).toBe(true);
    expect(second?.text?.endsWith('end')).toBe(true);
  });

  test('that changes nothing, or whose message is gone, is no error', async () => {
    const { telegram, direct } = await people();
    const { sender } = sending(telegram);
    const chat = addressOf(direct);
    const id = (await sender.notify({ chat }, { markdown: 'one' })) ?? '';
    await sender.editNotice(chat, id, { markdown: 'one' });
    await sender.deleteMessage(chat, id);
    await sender.editNotice(chat, id, { markdown: 'two' });
    expect(telegram.callsOf('editMessageText').map(({ status }) => status)).toEqual([400, 400]);
  });
});

describe('a press', () => {
  async function pressed() {
    const { telegram, ann, direct } = await people();
    const { sender } = sending(telegram);
    const buttons = [[{ label: 'Go', action: 'go' }]];
    await sender.notify({ chat: addressOf(direct) }, { markdown: 'x', buttons });
    const [shown] = telegram.messages(direct);
    if (shown === undefined) throw new Error('nothing was sent');
    const update = telegram.press(shown, 'Go', ann);
    const press = {
      chat: addressOf(direct),
      sender: { platformUserId: String(ann.id), displayName: 'Ann' },
      action: 'go',
      pressId: update.callback_query?.id ?? '',
    };
    return { telegram, sender, press, update };
  }

  test('is answered, with a short text at most', async () => {
    const { telegram, sender, press, update } = await pressed();
    await sender.answerPress(press, 'x'.repeat(500));
    expect(telegram.callbackAnswer(update)?.text).toHaveLength(200);
  });

  test('that can no longer be answered is no error', async () => {
    const { telegram, sender, press } = await pressed();
    telegram.fail({ method: 'answerCallbackQuery', status: 400 });
    await sender.answerPress({ ...press, pressId: 'old' });
  });
});

describe('deleting a message', () => {
  test('takes it away', async () => {
    const { telegram, ann, direct } = await people();
    const said = telegram.say(direct, ann, 'a key');
    const { sender } = sending(telegram);
    expect(await sender.deleteMessage(addressOf(direct), String(said.message_id))).toBe('deleted');
    expect(telegram.messages(direct)).toEqual([]);
  });

  test('that is gone already has succeeded', async () => {
    const { telegram, ann, direct } = await people();
    const said = telegram.say(direct, ann, 'a key');
    telegram.remove(said);
    const { sender } = sending(telegram);
    expect(await sender.deleteMessage(addressOf(direct), String(said.message_id))).toBe('deleted');
  });

  test('without the right to do so is refused', async () => {
    const { telegram, ann } = await people();
    const group = telegram.group({ title: 'Team', members: [ann] });
    const said = telegram.say(group, ann, 'a key');
    const { sender } = sending(telegram);
    expect(await sender.deleteMessage(addressOf(group), String(said.message_id))).toBe('refused');
    expect(telegram.messages(group)).toHaveLength(1);
  });

  test('in a chat that is out of reach is refused', async () => {
    const { telegram, ann, direct } = await people();
    const said = telegram.say(direct, ann, 'a key');
    const description = 'Bad Request: chat not found';
    telegram.fail({ method: 'deleteMessage', status: 400, description });
    const { sender } = sending(telegram);
    expect(await sender.deleteMessage(addressOf(direct), String(said.message_id))).toBe('refused');
    expect(await sender.deleteMessage(addressOf(direct), 'nonsense')).toBe('refused');
  });

  test('is tried again when the connection breaks', async () => {
    const { telegram, ann, direct } = await people();
    const said = telegram.say(direct, ann, 'a key');
    telegram.fail({ method: 'deleteMessage', times: 1, dropBefore: true });
    telegram.fail({ method: 'deleteMessage', times: 1, status: 502 });
    const { sender } = sending(telegram);
    expect(await sender.deleteMessage(addressOf(direct), String(said.message_id))).toBe('deleted');
    expect(telegram.messages(direct)).toEqual([]);
  });

  test('is given up in the end', async () => {
    const { telegram, ann, direct } = await people();
    const said = telegram.say(direct, ann, 'a key');
    telegram.fail({ method: 'deleteMessage', status: 500 });
    const { sender } = sending(telegram, { deletionBudgetMs: 100 });
    expect(await sender.deleteMessage(addressOf(direct), String(said.message_id))).toBe('refused');
  });
});

describe('deleting many messages', () => {
  async function said(count: number) {
    const { telegram, direct } = await people();
    const { sender } = sending(telegram);
    const ids: string[] = [];
    for (let n = 0; n < count; n += 1) {
      const id = await sender.notify({ chat: addressOf(direct) }, { markdown: `notice ${n}` });
      ids.push(id ?? '');
    }
    return { telegram, direct, sender, ids };
  }

  test('takes a hundred at a time', async () => {
    const { telegram, direct, sender, ids } = await said(3);
    const many = [...ids, ...Array.from({ length: 200 }, (_, n) => String(900_000 + n))];
    expect(await sender.deleteMessages(addressOf(direct), many)).toBe(203);
    expect(telegram.messages(direct)).toEqual([]);
    const batches = telegram.callsOf('deleteMessages').map(({ payload }) => payload.message_ids);
    expect(batches.map((batch) => (batch as unknown[]).length)).toEqual([100, 100, 3]);
  });

  test('of which one may not be deleted takes the others, and counts them', async () => {
    const { telegram, direct, sender, ids } = await said(3);
    const refusal = { status: 400, description: "Bad Request: message can't be deleted" };
    telegram.fail({ method: 'deleteMessages', ...refusal });
    const isSecond = (payload: Readonly<Record<string, unknown>>) =>
      Number(payload.message_id) === Number(ids[1]);
    telegram.fail({ method: 'deleteMessage', ...refusal, when: isSecond });
    expect(await sender.deleteMessages(addressOf(direct), ids)).toBe(2);
    expect(telegram.messages(direct).map((message) => message.text)).toEqual(['notice 1']);
  });

  test('of somebody who has blocked the bot is given up at once', async () => {
    const { telegram, direct, sender, ids } = await said(2);
    telegram.fail({
      method: /^delete/,
      status: 403,
      description: 'Forbidden: bot was blocked by the user',
    });
    expect(await sender.deleteMessages(addressOf(direct), ids)).toBe(0);
    expect(telegram.callsOf('deleteMessage')).toEqual([]);
  });
});

describe('a download', () => {
  async function file(bytes = new TextEncoder().encode('print(1)')) {
    const { telegram, ann, direct } = await people();
    const said = telegram.sendDocument(direct, ann, { name: 'a.py', mime: 'text/plain', bytes });
    const reference: FileReference = {
      id: said.document?.file_id ?? '',
      kind: 'text',
      name: 'a.py',
      mediaType: 'text/plain',
    };
    return { telegram, reference, ...sending(telegram) };
  }

  test('gives the bytes', async () => {
    const { sender, reference } = await file();
    const bytes = await sender.download(reference, 1000);
    expect(new TextDecoder().decode(bytes)).toBe('print(1)');
  });

  test('of more bytes than asked for is refused, whatever was said of the size', async () => {
    const { sender, reference } = await file(new Uint8Array(2000));
    const tooLarge = { code: 'too-large' };
    await expect(sender.download(reference, 1000)).rejects.toMatchObject(tooLarge);
    const lying = { ...reference, size: 10 };
    await expect(sender.download(lying, 1000)).rejects.toMatchObject(tooLarge);
    await expect(sender.download({ ...reference, size: 5000 }, 1000)).rejects.toMatchObject(
      tooLarge,
    );
  });

  test('of a file that grew on its way is cut off', async () => {
    const server = createServer((request, response) => {
      if (!request.url?.includes('/file/')) {
        const result = { file_id: 'f', file_unique_id: 'u', file_path: 'a.txt', file_size: 3 };
        response.end(JSON.stringify({ ok: true, result }));
        return;
      }
      response.write('x'.repeat(5000));
    }).listen(0, '127.0.0.1');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { sender } = sending({ url: `http://127.0.0.1:${port}`, token: `1:${'y'.repeat(35)}` });
    const reference = { id: 'f', kind: 'text', name: 'a', mediaType: 'text/plain' } as const;
    await expect(sender.download(reference, 1000)).rejects.toMatchObject({ code: 'too-large' });
  });

  test('that fails names no token', async () => {
    const { telegram, sender, reference } = await file();
    await telegram.close();
    const error = await sender.download(reference, 1000).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'unreachable' });
    expect(`${error} ${JSON.stringify(error)}`).not.toContain(telegram.token);
    expect(error).not.toHaveProperty('cause');
  });

  test('of a file that Telegram does not know is final', async () => {
    const { sender, reference } = await file();
    const download = sender.download({ ...reference, id: 'unknown' }, 1000);
    await expect(download).rejects.toMatchObject({ retryable: false });
  });
});

describe('the menu of commands', () => {
  const menu = {
    direct: [{ name: 'setkey', description: 'Bring a key' }],
    group: [{ name: 'usage', description: 'What is left', isPrivate: true }],
  };

  test('is registered for each kind of chat', async () => {
    const { telegram } = await people();
    await sending(telegram).registerCommands(menu);
    expect(telegram.callsOf('setMyCommands').map(({ payload }) => payload)).toEqual([
      {
        commands: [{ command: 'setkey', description: 'Bring a key' }],
        scope: { type: 'all_private_chats' },
      },
      {
        commands: [{ command: 'usage', description: 'What is left', is_ephemeral: true }],
        scope: { type: 'all_group_chats' },
      },
    ]);
  });

  test('is left alone where it is the same', async () => {
    const { telegram } = await people();
    await sending(telegram).registerCommands(menu);
    await sending(telegram).registerCommands(menu);
    expect(telegram.callsOf('setMyCommands')).toHaveLength(2);
    await sending(telegram).registerCommands({ ...menu, direct: [] });
    expect(telegram.callsOf('setMyCommands')).toHaveLength(3);
  });

  test('is registered later when Telegram fails', async () => {
    const { telegram } = await people();
    telegram.fail({ method: 'getMyCommands', times: 2, status: 502 });
    await sending(telegram).registerCommands(menu);
    await telegram.waitFor(() => telegram.callsOf('setMyCommands').length === 2);
  });

  test('ends the start when the token is wrong', async () => {
    const { telegram } = await people();
    const token = `1:${'z'.repeat(35)}`;
    const registered = sending({ url: telegram.url, token }).registerCommands(menu);
    await expect(registered).rejects.toMatchObject({ reason: 'bad-token' });
  });
});

test('the direct chat of a user has their number', () => {
  const { sender } = sending({ url: 'http://127.0.0.1:1', token: '1:x' });
  expect(sender.directChat({ platformUserId: '7' })).toEqual({
    platform: 'telegram',
    chatId: '7',
    kind: 'direct',
  });
});
