import { type Api, InputFile } from 'grammy';
import type { MessageEntity, User } from 'grammy/types';
import { beforeEach, describe, expect, test } from 'vitest';
import type { TelegramSimulator } from '../telegram.ts';
import { bold, refusal, simulate, texts } from './harness.ts';

let telegram: TelegramSimulator;
let api: Api;
let ann: User;

beforeEach(async () => {
  ({ telegram, api, ann } = await simulate());
});

describe('sending', () => {
  test('a message is shown, with its entities, keyboard and preview options', async () => {
    const { id } = telegram.privateChat(ann);
    const sent = await api.sendMessage(id, 'Hello www.example.org', {
      entities: [bold(0, 5)],
      link_preview_options: { is_disabled: true },
      reply_markup: {
        inline_keyboard: [
          [{ text: 'Yes', callback_data: 'yes' }],
          [{ text: 'Site', url: 'https://a.b' }],
        ],
      },
    });
    const [shown] = telegram.messages({ ...telegram.privateChat(ann) });
    expect(shown).toEqual(sent);
    expect(sent).toMatchObject({
      from: { id: telegram.bot.id, is_bot: true },
      link_preview_options: { is_disabled: true },
      entities: [
        { type: 'bold', offset: 0, length: 5 },
        { type: 'url', offset: 6, length: 15 },
      ],
    });
    expect(telegram.buttons(sent)).toEqual([
      { label: 'Yes', data: 'yes' },
      { label: 'Site', url: 'https://a.b' },
    ]);
  });

  test('a document is uploaded and can be downloaded by its path', async () => {
    const { id } = telegram.privateChat(ann);
    const file = new InputFile(Buffer.from('print("hi")\n'), 'answer.py');
    const sent = await api.sendDocument(id, file, {
      caption: 'The code',
      reply_markup: { inline_keyboard: [[{ text: 'a', callback_data: 'b' }]] },
    });
    expect(sent).toMatchObject({
      caption: 'The code',
      document: { file_name: 'answer.py', mime_type: 'text/x-python', file_size: 12 },
    });
    const { file_path } = await api.getFile(sent.document.file_id);
    const response = await fetch(`${telegram.url}/file/bot${telegram.token}/${file_path}`);
    expect(await response.text()).toBe('print("hi")\n');
    expect(telegram.callsOf('sendDocument')[0]?.payload).toMatchObject({
      chat_id: id,
      caption: 'The code',
    });
    const other = await fetch(`${telegram.url}/file/bot1:wrong/${file_path}`);
    expect(other.status).toBe(401);
  });

  test.each(['two words.txt', 'naïve "quotes".txt'])('a file may be called %s', async (name) => {
    const { id } = telegram.privateChat(ann);
    const bytes = Buffer.from('--x\r\n\r\n\u0000\r\n');
    const { document } = await api.sendDocument(id, new InputFile(bytes, name));
    expect(document.file_name).toBe(name);
    expect(telegram.file(document.file_id)).toEqual(new Uint8Array(bytes));
  });

  test('a form and a query string are read like JSON', async () => {
    const { id } = telegram.privateChat(ann);
    const root = `${telegram.url}/bot${telegram.token}`;
    await fetch(`${root}/sendMessage`, {
      method: 'POST',
      body: new URLSearchParams({
        chat_id: String(id),
        text: '1',
        entities: JSON.stringify([bold(0, 1)]),
      }),
    });
    await fetch(`${root}/SENDMESSAGE?chat_id=${id}&text=2`);
    expect(texts(telegram.messages(telegram.privateChat(ann)))).toEqual(['1', '2']);
  });

  test('texts are trimmed and cleaned, and entities move with them', async () => {
    const { id } = telegram.privateChat(ann);
    const sent = await api.sendMessage(id, '\n\n a\r\tb  \n', { entities: [bold(6, 1)] });
    expect(sent).toMatchObject({ text: 'a b', entities: [bold(2, 1)] });
  });

  test('what is nested wrongly is left out without a word, and noted', async () => {
    const { id } = telegram.privateChat(ann);
    const code: MessageEntity = { type: 'code', offset: 2, length: 3 };
    const link: MessageEntity = { type: 'text_link', offset: 3, length: 1, url: 'https://a.b/' };
    const sent = await api.sendMessage(id, 'abcdefgh', {
      entities: [bold(0, 8), code, link, bold(2, 2), { type: 'italic', offset: 1, length: 0 }],
    });
    expect(sent.entities).toEqual([bold(0, 2), code, bold(5, 3)]);
    const [call] = telegram.callsOf('sendMessage');
    expect(call?.dropped).toEqual([link, bold(2, 2), { type: 'italic', offset: 1, length: 0 }]);
  });
});

describe('editing and deleting', () => {
  test('an edit replaces text and keyboard; the same again is refused', async () => {
    const chat = telegram.privateChat(ann);
    const keyboard = { inline_keyboard: [[{ text: 'a', callback_data: 'a' }]] };
    const sent = await api.sendMessage(chat.id, 'one', { reply_markup: keyboard });
    expect(
      await refusal(
        api.editMessageText(chat.id, sent.message_id, 'one', { reply_markup: keyboard }),
      ),
    ).toMatch(/^400 Bad Request: message is not modified: /);
    await api.editMessageText(chat.id, sent.message_id, 'one');
    expect(telegram.buttons(sent)).toEqual([]);
    await api.editMessageReplyMarkup(chat.id, sent.message_id, { reply_markup: keyboard });
    expect(telegram.buttons(sent)).toHaveLength(1);
    await api.editMessageText(chat.id, sent.message_id, 'two', { entities: [bold(0, 3)] });
    expect(telegram.messages(chat)).toMatchObject([{ text: 'two', entities: [bold(0, 3)] }]);
    expect(await refusal(api.editMessageText(chat.id, sent.message_id, 'x'.repeat(4097)))).toBe(
      '400 Bad Request: MESSAGE_TOO_LONG',
    );
    const said = telegram.say(chat, ann, 'mine');
    expect(await refusal(api.editMessageText(chat.id, said.message_id, 'yours'))).toBe(
      "400 Bad Request: message can't be edited",
    );
  });

  test('in private chats anything under 48 hours can be deleted', async () => {
    const chat = telegram.privateChat(ann);
    const fresh = telegram.say(chat, ann, 'a secret');
    const old = telegram.say(chat, ann, 'old', { date: Math.floor(Date.now() / 1000) - 49 * 3600 });
    await api.deleteMessage(chat.id, fresh.message_id);
    expect(await refusal(api.deleteMessage(chat.id, old.message_id))).toBe(
      "400 Bad Request: message can't be deleted for everyone",
    );
    expect(texts(telegram.messages(chat))).toEqual(['old']);
  });

  test.each([
    [{}, "message can't be deleted for everyone"],
    [{ botIsAdmin: true, canDelete: false }, "message can't be deleted"],
  ])('in groups others’ messages only with the right: %o', async (rights, reason) => {
    const without = telegram.group({ title: 'G', members: [ann], ...rights });
    const said = telegram.say(without, ann, 'x');
    expect(await refusal(api.deleteMessage(without.id, said.message_id))).toBe(
      `400 Bad Request: ${reason}`,
    );
    const own = await api.sendMessage(without.id, 'y');
    await api.deleteMessage(without.id, own.message_id);
    const allowed = telegram.group({ title: 'H', members: [ann], botIsAdmin: true });
    const ids = ['a', 'b'].map((text) => telegram.say(allowed, ann, text).message_id);
    await api.deleteMessages(allowed.id, [...ids, 9999]);
    expect(telegram.messages(allowed)).toEqual([]);
  });
});

describe('drafts', () => {
  test('a draft goes when a message comes, or after 30 seconds', async () => {
    let now = Date.now();
    ({ telegram, api, ann } = await simulate({ now: () => now }));
    const chat = telegram.privateChat(ann);
    await api.sendMessageDraft(chat.id, 7, '');
    expect(telegram.draft(chat)).toMatchObject({ text: '', draft_id: 7 });
    await api.sendMessageDraft(chat.id, 7, 'He', { entities: [bold(0, 2)] });
    now += 29_000;
    expect(telegram.draft(chat)).toMatchObject({ text: 'He', entities: [bold(0, 2)] });
    now += 2_000;
    expect(telegram.draft(chat)).toBeUndefined();
    await api.sendMessageDraft(chat.id, 7, 'Hello');
    await api.sendMessage(chat.id, 'Hello');
    expect(telegram.draft(chat)).toBeUndefined();
    expect(texts(telegram.messages(chat))).toEqual(['Hello']);
  });

  test('the stop button sends an update and takes the draft away', async () => {
    const chat = telegram.privateChat(ann);
    await api.getUpdates({ allowed_updates: ['message', 'stopped_message_generation'] });
    await api.sendMessageDraft(chat.id, 7, 'a');
    expect(() => telegram.pressStop(chat)).toThrow('no draft that could be stopped');
    await api.raw.sendMessageDraft({ chat_id: chat.id, draft_id: 8, text: 'b', can_stop: true });
    telegram.pressStop(chat);
    expect(telegram.draft(chat)).toBeUndefined();
    expect(await api.getUpdates()).toMatchObject([
      { stopped_message_generation: { chat: { id: chat.id }, draft_id: 8 } },
    ]);
    await api.sendMessageDraft(chat.id, 8, 'too late');
    expect(telegram.draft(chat)).toBeUndefined();
  });

  test('groups have none', async () => {
    const group = telegram.group({ title: 'G', members: [ann] });
    expect(await refusal(api.sendMessageDraft(group.id, 7, 'a'))).toBe(
      '400 Bad Request: TEXTDRAFT_PEER_INVALID',
    );
  });
});
