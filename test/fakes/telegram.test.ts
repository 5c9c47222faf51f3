import type { Api } from 'grammy';
import type { Update, User } from 'grammy/types';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Fixture, refusal, simulate } from './telegram/harness.ts';
import type { TelegramSimulator } from './telegram.ts';

let telegram: TelegramSimulator;
let api: Api;
let ann: User;
let poll: Fixture['poll'];

beforeEach(async () => {
  ({ telegram, api, ann, poll } = await simulate());
});

describe('long polling', () => {
  test('delivers what people say, in order, with the entities that apps find', async () => {
    const seen: string[] = [];
    const chat = telegram.privateChat(ann);
    telegram.say(chat, ann, 'before the start');
    poll((update) => {
      seen.push(update.message?.text ?? '?');
    });
    const said = telegram.say(chat, ann, '/model gpt-5 for @bob_ray and https://example.com/x.');
    await telegram.waitFor(() => seen.length === 2);
    expect(seen).toEqual([
      'before the start',
      '/model gpt-5 for @bob_ray and https://example.com/x.',
    ]);
    expect(said.entities?.map(({ type }) => type)).toEqual(['bot_command', 'mention', 'url']);
    await telegram.waitFor(() => telegram.pendingUpdates().length === 0);
  });

  test('an update is confirmed by a higher offset only', async () => {
    const chat = telegram.privateChat(ann);
    telegram.say(chat, ann, 'one');
    telegram.say(chat, ann, 'two');
    const [one] = await api.getUpdates({ limit: 1 });
    const again = await api.getUpdates();
    expect(again.map(({ message }) => message?.text)).toEqual(['one', 'two']);
    const rest = await api.getUpdates({ offset: (one?.update_id ?? 0) + 1 });
    expect(rest.map(({ message }) => message?.text)).toEqual(['two']);
    expect(await api.getUpdates({ offset: -1 })).toEqual(rest);
  });

  test('returns empty when its time is over, at once when something comes', async () => {
    expect(await api.getUpdates({ timeout: 1 })).toEqual([]);
    const waiting = api.getUpdates({ timeout: 30 });
    await telegram.waitFor(() => telegram.callsOf('getUpdates').length === 2);
    telegram.say(telegram.privateChat(ann), ann, 'hello');
    expect(await waiting).toHaveLength(1);
  });

  test('a second poller ends the first', async () => {
    const first = refusal(api.getUpdates({ timeout: 30 }));
    await telegram.waitFor(() => telegram.callsOf('getUpdates').length === 1);
    const second = api.getUpdates({ timeout: 30 });
    expect(await first).toMatch(/^409 Conflict: terminated by other getUpdates request/);
    telegram.say(telegram.privateChat(ann), ann, 'hello');
    expect(await second).toHaveLength(1);
  });

  test('a redelivered update comes again while newer ones are confirmed', async () => {
    const seen: Update[] = [];
    poll((update) => {
      seen.push(update);
    });
    const said = telegram.say(telegram.privateChat(ann), ann, 'once');
    await telegram.waitFor(() => seen.length === 1);
    telegram.redeliver(said);
    await telegram.waitFor(() => seen.length === 2);
    expect(seen[1]).toEqual(seen[0]);
    await telegram.waitFor(() => telegram.pendingUpdates().length === 0);
  });

  test('membership and stopped drafts come only when asked for', async () => {
    telegram.block(ann);
    telegram.unblock(ann);
    await api.getUpdates({ allowed_updates: ['my_chat_member', 'stopped_message_generation'] });
    telegram.block(ann);
    telegram.unblock(ann);
    telegram.say(telegram.privateChat(ann), ann, 'not asked for');
    const updates = await api.getUpdates();
    expect(updates.map(({ my_chat_member }) => my_chat_member?.new_chat_member.status)).toEqual([
      'kicked',
      'member',
    ]);
  });
});

describe('people', () => {
  test('a long text is sent as several messages', () => {
    const chat = telegram.privateChat(ann);
    telegram.say(chat, ann, `${'word '.repeat(1000)}`);
    telegram.say(chat, ann, `${'x'.repeat(4095)}😀`);
    const lengths = telegram.messages(chat).map(({ text = '' }) => text.length);
    expect(lengths).toEqual([4094, 904, 4095, 2]);
  });

  test('who blocked the bot gets nothing', async () => {
    const chat = telegram.privateChat(ann);
    telegram.block(ann);
    expect(await refusal(api.sendMessage(chat.id, 'a'))).toBe(
      '403 Forbidden: bot was blocked by the user',
    );
    expect(await refusal(api.sendChatAction(chat.id, 'typing'))).toContain('403');
    telegram.unblock(ann);
    await api.sendMessage(chat.id, 'a');
  });

  test('who never wrote to the bot gets nothing', async () => {
    telegram.group({ title: 'G', members: [ann] });
    expect(await refusal(api.sendMessage(ann.id, 'a'))).toBe(
      "403 Forbidden: bot can't initiate conversation with a user",
    );
  });

  test('a press arrives with its message, and is answered', async () => {
    const chat = telegram.privateChat(ann);
    const sent = await api.sendMessage(chat.id, 'Sure?', {
      reply_markup: { inline_keyboard: [[{ text: 'Yes', callback_data: 'yes:1' }]] },
    });
    poll(async ({ callback_query: query }) => {
      if (query !== undefined)
        await api.answerCallbackQuery(query.id, { text: `got ${query.data}` });
    });
    const press = telegram.press(sent, 'Yes', ann);
    expect(await telegram.waitFor(() => telegram.callbackAnswer(press))).toEqual({
      text: 'got yes:1',
      show_alert: false,
    });
    expect(press.callback_query?.message).toMatchObject({
      message_id: sent.message_id,
      text: 'Sure?',
    });
    expect(() => telegram.press(sent, 'No', ann)).toThrow('no button');
  });

  test('an edited message arrives as such', async () => {
    const said = telegram.say(telegram.privateChat(ann), ann, 'helo');
    const edited = telegram.edit(said, '/hello');
    const [, update] = await api.getUpdates();
    expect(update?.edited_message).toEqual(edited);
    expect(edited).toMatchObject({
      message_id: said.message_id,
      text: '/hello',
      entities: [{ type: 'bot_command' }],
    });
  });

  test('files, albums, forwards and stand-ins look as Telegram shows them', () => {
    const group = telegram.group({ title: 'G', members: [ann] });
    const bytes = Buffer.from('a,b\n');
    const file = telegram.sendDocument(
      group,
      ann,
      { name: 'a.csv', mime: 'text/csv', bytes, caption: 'see @ann_lee' },
      { media_group_id: '7' },
    );
    expect(file).toMatchObject({
      caption: 'see @ann_lee',
      caption_entities: [{ type: 'mention' }],
      media_group_id: '7',
      document: { file_name: 'a.csv', file_size: 4 },
    });
    expect(telegram.file(file.document?.file_id ?? '')).toEqual(bytes);
    expect(telegram.sendPhoto(group, ann, { bytes })).toMatchObject({
      photo: [{ width: 320 }, { width: 1280 }],
    });
    expect(telegram.say(group, ann, 'x', { sender_chat: group }).from).toMatchObject({
      id: 1_087_968_824,
      is_bot: true,
    });
    const sticker = telegram.say(group, ann, '', {
      fields: { sticker: JSON.parse('{"emoji":"👍"}') },
    });
    expect(sticker).not.toHaveProperty('text');
    expect(() => telegram.say(group, ann, '')).toThrow('no empty messages');
  });
});
