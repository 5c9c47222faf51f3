import { Api, InputFile } from 'grammy';
import type { MessageEntity, User } from 'grammy/types';
import { beforeEach, describe, expect, test } from 'vitest';
import type { TelegramSimulator } from '../telegram.ts';
import { bold, refusal, simulate } from './harness.ts';

let telegram: TelegramSimulator;
let api: Api;
let ann: User;

beforeEach(async () => {
  ({ telegram, api, ann } = await simulate());
});

describe('what the simulator refuses', () => {
  const long = 'x'.repeat(4097);
  const key = (callback_data: string) => ({
    reply_markup: { inline_keyboard: [[{ text: 'a', callback_data }]] },
  });
  const link = (url: string) => ({ reply_markup: { inline_keyboard: [[{ text: 'a', url }]] } });
  const linked = (url: string): { entities: MessageEntity[] } => ({
    entities: [{ type: 'text_link', offset: 0, length: 1, url }],
  });

  test.each<[string, (id: number) => Promise<unknown>, string]>([
    ['an empty text', (id) => api.sendMessage(id, ''), '400 Bad Request: message text is empty'],
    [
      'blanks',
      (id) => api.sendMessage(id, ' \n\u200b '),
      '400 Bad Request: text must be non-empty',
    ],
    ['4097 units', (id) => api.sendMessage(id, long), '400 Bad Request: message is too long'],
    [
      'a long caption',
      (id) =>
        api.sendDocument(id, new InputFile(Buffer.from('a'), 'a'), {
          caption: long.slice(0, 1025),
        }),
      '400 Bad Request: message caption is too long',
    ],
    [
      'no file',
      (id) => api.raw.sendDocument({ chat_id: id, document: '' }),
      '400 Bad Request: there is no document in the request',
    ],
    [
      'an empty file',
      (id) => api.sendDocument(id, new InputFile(Buffer.from(''), 'a')),
      '400 Bad Request: file must be non-empty',
    ],
    [
      'an unknown file',
      (id) => api.sendDocument(id, 'BQAC'),
      '400 Bad Request: wrong remote file identifier specified: Wrong string length',
    ],
    [
      'half a pair',
      (id) => api.sendMessage(id, 'a\ud83d'),
      '400 Bad Request: strings must be encoded in UTF-8',
    ],
    [
      'an entity that begins in a pair',
      (id) => api.sendMessage(id, '😀ab', { entities: [bold(1, 2)] }),
      '400 Bad Request: entity begins in a middle of a UTF-16 symbol at byte offset 4',
    ],
    [
      'an entity that ends in a pair',
      (id) => api.sendMessage(id, 'ab😀', { entities: [bold(0, 3)] }),
      '400 Bad Request: entity beginning at UTF-16 offset 0 ends in a middle of a UTF-16 symbol at byte offset 6',
    ],
    [
      'an entity that is too long',
      (id) => api.sendMessage(id, 'ab', { entities: [bold(1, 2)] }),
      '400 Bad Request: entity beginning at UTF-16 offset 1 ends after the end of the text at UTF-16 offset 3',
    ],
    [
      'an entity behind the text',
      (id) => api.sendMessage(id, 'ab', { entities: [bold(3, 1)] }),
      '400 Bad Request: entity begins after the end of the text at UTF-16 offset 3',
    ],
    [
      'a negative offset',
      (id) => api.sendMessage(id, 'ab', { entities: [bold(-1, 1)] }),
      '400 Bad Request: receive an entity with incorrect offset -1',
    ],
    [
      'a negative length',
      (id) => api.sendMessage(id, 'ab', { entities: [bold(0, -1)] }),
      '400 Bad Request: receive an entity with incorrect length -1',
    ],
    [
      'a link without a host',
      (id) => api.sendMessage(id, 'ab', linked('/docs/a.md')),
      "400 Bad Request: entity URL '/docs/a.md' is invalid: URL host is empty",
    ],
    [
      'a link with another scheme',
      (id) => api.sendMessage(id, 'ab', linked('file://a.b/c')),
      "400 Bad Request: entity URL 'file://a.b/c' is invalid: Unsupported URL protocol",
    ],
    [
      'a button to this machine',
      (id) => api.sendMessage(id, 'a', link('http://localhost:8080/')),
      "400 Bad Request: inline keyboard button URL 'http://localhost:8080/' is invalid: Wrong HTTP URL",
    ],
    [
      '65 bytes of data',
      (id) => api.sendMessage(id, 'a', key('é'.repeat(33))),
      '400 Bad Request: BUTTON_DATA_INVALID',
    ],
    [
      'a button that does nothing',
      (id) =>
        api.sendMessage(id, 'a', {
          reply_markup: { inline_keyboard: [[JSON.parse('{"text":"a"}')]] },
        }),
      "400 Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
    ],
    [
      'a reply to nothing',
      (id) => api.sendMessage(id, 'a', { reply_parameters: { message_id: 9 } }),
      '400 Bad Request: message to be replied not found',
    ],
    ['an unknown chat', () => api.sendMessage(42, 'a'), '400 Bad Request: chat not found'],
    [
      'an unknown topic',
      (id) => api.sendMessage(id, 'a', { message_thread_id: 7 }),
      '400 Bad Request: message thread not found',
    ],
    [
      'an edit of nothing',
      (id) => api.editMessageText(id, 9, 'a'),
      '400 Bad Request: message to edit not found',
    ],
    [
      'a deletion of nothing',
      (id) => api.deleteMessage(id, 9),
      '400 Bad Request: message to delete not found',
    ],
    [
      'an action that there is not',
      (id) => api.raw.sendChatAction({ chat_id: id, action: JSON.parse('"thinking"') }),
      '400 Bad Request: wrong parameter action in request',
    ],
    [
      'a draft without a number',
      (id) => api.raw.sendMessageDraft({ chat_id: id, draft_id: 0, text: 'a' }),
      '400 Bad Request: RANDOM_ID_INVALID',
    ],
    [
      'an answer to no press',
      () => api.answerCallbackQuery('1'),
      '400 Bad Request: query is too old and response timeout expired or query ID is invalid',
    ],
    ['a file that there is not', () => api.getFile('x'), '400 Bad Request: invalid file_id'],
    [
      'administrators of a private chat',
      (id) => api.getChatAdministrators(id),
      '400 Bad Request: there are no administrators in the private chat',
    ],
    [
      'commands in capitals',
      () => api.setMyCommands([{ command: 'Ask', description: 'a' }]),
      '400 Bad Request: BOT_COMMAND_INVALID',
    ],
    [
      'a command without a description',
      () => api.setMyCommands([{ command: 'ask', description: '' }]),
      '400 Bad Request: command description must be non-empty',
    ],
    [
      '101 commands',
      () =>
        api.setMyCommands(
          Array.from({ length: 101 }, (_, i) => ({ command: `c${i}`, description: 'a' })),
        ),
      '400 Bad Request: BOT_COMMANDS_TOO_MUCH',
    ],
  ])('%s', async (_, call, expected) => {
    expect(await refusal(call(telegram.privateChat(ann).id))).toBe(expected);
  });

  test('a reply to nothing is sent when that is allowed', async () => {
    const { id } = telegram.privateChat(ann);
    const reply_parameters = { message_id: 9, allow_sending_without_reply: true };
    await expect(api.sendMessage(id, 'a', { reply_parameters })).resolves.not.toHaveProperty(
      'reply_to_message',
    );
  });

  test('4096 units, 64 bytes of data and links with user names are taken', async () => {
    const { id } = telegram.privateChat(ann);
    await api.sendMessage(id, long.slice(1), { ...linked('mailto:a@b.de') });
    await api.sendMessage(id, 'a', key('x'.repeat(64)));
    await api.sendMessage(id, 'a', link('tg://user?id=1'));
  });

  test('other tokens, and methods that there are not', async () => {
    const stranger = new Api('1:abc', { apiRoot: telegram.url });
    expect(await refusal(stranger.getMe())).toBe('401 Unauthorized');
    const broken = new Api('abc', { apiRoot: telegram.url });
    expect(await refusal(broken.getMe())).toBe('401 Unauthorized: invalid token specified');
    const response = await fetch(`${telegram.url}/bot${telegram.token}/sendTelegram`);
    expect(await response.json()).toEqual({
      ok: false,
      error_code: 404,
      description: 'Not Found: method not found',
    });
  });

  test('files over 20 MB are not for bots', async () => {
    const chat = telegram.privateChat(ann);
    const said = telegram.sendDocument(chat, ann, {
      name: 'big.txt',
      mime: 'text/plain',
      bytes: new Uint8Array(1),
      size: 21 * 1024 * 1024,
    });
    expect(said.document?.file_size).toBe(21 * 1024 * 1024);
    expect(await refusal(api.getFile(said.document?.file_id ?? ''))).toBe(
      '400 Bad Request: file is too big',
    );
  });
});
