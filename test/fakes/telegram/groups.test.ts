import type { Api } from 'grammy';
import type { User } from 'grammy/types';
import { beforeEach, describe, expect, test } from 'vitest';
import type { TelegramSimulator } from '../telegram.ts';
import { refusal, simulate, texts } from './harness.ts';

let telegram: TelegramSimulator;
let api: Api;
let ann: User;

beforeEach(async () => {
  ({ telegram, api, ann } = await simulate());
});

describe('groups', () => {
  test('in privacy mode only commands, mentions and replies reach the bot', async () => {
    ({ telegram, api, ann } = await simulate({ canReadAllGroupMessages: false }));
    const group = telegram.group({ title: 'G', members: [ann] });
    const own = await api.sendMessage(group.id, 'hello all');
    const name = telegram.bot.username;
    telegram.say(group, ann, 'chatter');
    telegram.say(group, ann, '/ask one');
    telegram.say(group, ann, `/ask@${name} two`);
    telegram.say(group, ann, '/ask@other_bot three');
    telegram.say(group, ann, `hey @${name} four`);
    telegram.say(group, ann, 'five', { reply_to: own });
    telegram.edit(telegram.say(group, ann, 'six'), 'still chatter');
    const updates = await api.getUpdates();
    expect(updates.map(({ message }) => message?.text?.split(' ').at(-1))).toEqual([
      'one',
      'two',
      'four',
      'five',
    ]);
    expect(await api.getMe()).toMatchObject({ can_read_all_group_messages: false });
    const admin = telegram.group({ title: 'H', members: [ann], botIsAdmin: true });
    telegram.say(admin, ann, 'chatter');
    expect((await api.getUpdates()).at(-1)?.message?.text).toBe('chatter');
  });

  test('a topic keeps its messages; replies go where they answer', async () => {
    const forum = telegram.group({ title: 'F', forum: true, members: [ann] });
    const thread = telegram.topic(forum, 'Rust');
    const said = telegram.say(forum, ann, 'in it', { message_thread_id: thread });
    expect(said).toMatchObject({
      is_topic_message: true,
      reply_to_message: { forum_topic_created: { name: 'Rust' } },
    });
    telegram.say(forum, ann, 'outside');
    await api.sendMessage(forum.id, 'answer', {
      reply_parameters: { message_id: said.message_id },
    });
    await api.sendMessage(forum.id, 'more', { message_thread_id: thread });
    expect(texts(telegram.messages(forum, { thread }))).toEqual(['in it', 'answer', 'more']);
    expect(await refusal(api.sendMessage(forum.id, 'a', { message_thread_id: thread + 50 }))).toBe(
      '400 Bad Request: message thread not found',
    );
  });

  test('private chats have topics only where the bot has', async () => {
    expect(() => telegram.topic(telegram.privateChat(ann), 'x')).toThrow('no topics');
    ({ telegram, api, ann } = await simulate({ hasTopicsEnabled: true }));
    const chat = telegram.privateChat(ann);
    const thread = telegram.topic(chat, 'x');
    await api.sendMessageDraft(chat.id, 3, 'a', { message_thread_id: thread });
    expect(telegram.draft(chat, thread)?.text).toBe('a');
    expect(telegram.draft(chat)).toBeUndefined();
  });

  test('a group that migrates says so, and refuses what is sent to it', async () => {
    const group = telegram.group({ title: 'G', members: [ann] });
    const next = telegram.migrate(group);
    const updates = await api.getUpdates();
    expect(
      updates.map(({ message }) => [
        message?.chat.id,
        message?.migrate_to_chat_id,
        message?.migrate_from_chat_id,
      ]),
    ).toEqual([
      [group.id, next.id, undefined],
      [next.id, undefined, group.id],
    ]);
    const error = await api.sendMessage(group.id, 'a').catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      error_code: 400,
      description: 'Bad Request: group chat was upgraded to a supergroup chat',
      parameters: { migrate_to_chat_id: next.id },
    });
    await api.sendMessage(next.id, 'a');
    telegram.say(next, ann, 'b');
  });

  test('a bot that was thrown out, or left, is refused', async () => {
    const group = telegram.group({ title: 'G', members: [ann] });
    telegram.removeBot(group);
    expect(await refusal(api.sendMessage(group.id, 'a'))).toBe(
      '403 Forbidden: bot was kicked from the group chat',
    );
    telegram.say(group, ann, 'unheard');
    expect(await api.getUpdates()).toEqual([]);
    const other = telegram.group({ title: 'H', members: [ann], botIsAdmin: true });
    await api.leaveChat(other.id);
    expect(await refusal(api.sendMessage(other.id, 'a'))).toBe(
      '403 Forbidden: bot is not a member of the supergroup chat',
    );
  });

  test('who is who in a group', async () => {
    const bob = telegram.addUser({ first_name: 'Bob' });
    const group = telegram.group({
      title: 'G',
      members: [ann],
      botIsAdmin: true,
      canDelete: false,
    });
    expect(await api.getChatMember(group.id, ann.id)).toMatchObject({ status: 'creator' });
    expect(await api.getChatMember(group.id, bob.id)).toMatchObject({ status: 'left' });
    expect(await api.getChatMember(group.id, telegram.bot.id)).toMatchObject({
      status: 'administrator',
      can_delete_messages: false,
    });
    expect(await api.getChatAdministrators(group.id)).toHaveLength(2);
    expect(await api.getChat(group.id)).toMatchObject({ title: 'G', type: 'supergroup' });
    expect(() => telegram.say(group, bob, 'hi')).toThrow('no member');
  });
});

describe('ephemeral messages', () => {
  const to = (user: User, callback_query_id?: string) => ({
    ephemeral_message_parameters: {
      receiver_user_id: user.id,
      ...(callback_query_id === undefined ? {} : { callback_query_id }),
    },
  });

  test('an administrator shows them to one member at any time', async () => {
    const bob = telegram.addUser({ first_name: 'Bob' });
    const group = telegram.group({ title: 'G', members: [ann, bob], botIsAdmin: true });
    const sent = await api.sendMessage(group.id, 'for you', to(ann));
    expect(sent).toMatchObject({ message_id: 0, receiver_user: { id: ann.id } });
    expect(telegram.messages(group)).toEqual([]);
    expect(telegram.messages(group, { as: bob })).toEqual([]);
    expect(texts(telegram.messages(group, { as: ann }))).toEqual(['for you']);
    const ephemeral_message_id = sent.ephemeral_message_id ?? 0;
    const which = { chat_id: group.id, receiver_user_id: ann.id, ephemeral_message_id };
    await api.raw.editEphemeralMessageText({ ...which, text: 'changed' });
    expect(texts(telegram.messages(group, { as: ann }))).toEqual(['changed']);
    await api.raw.deleteEphemeralMessage(which);
    expect(telegram.messages(group, { as: ann })).toEqual([]);
  });

  test('without rights only within 15 seconds of a press or an ephemeral command', async () => {
    let now = Date.now();
    ({ telegram, api, ann } = await simulate({ now: () => now }));
    const group = telegram.group({ title: 'G', members: [ann] });
    expect(await refusal(api.sendMessage(group.id, 'a', to(ann)))).toBe(
      '400 Bad Request: CHAT_ADMIN_REQUIRED',
    );
    const sent = await api.sendMessage(group.id, 'a', {
      reply_markup: { inline_keyboard: [[{ text: 'b', callback_data: 'b' }]] },
    });
    const press = telegram.press(sent, 'b', ann).callback_query?.id ?? '';
    await api.sendMessage(group.id, 'pressed', to(ann, press));
    const asked = telegram.say(group, ann, '/usage', { ephemeral: true });
    const reply_parameters = { ephemeral_message_id: asked.ephemeral_message_id ?? 0 };
    await api.sendMessage(group.id, 'asked', { ...to(ann), reply_parameters });
    expect(await refusal(api.sendMessage(group.id, 'for all', { reply_parameters }))).toContain(
      'must be an ephemeral message',
    );
    now += 17_000;
    expect(await refusal(api.sendMessage(group.id, 'late', to(ann, press)))).toContain('400');
    expect(
      await refusal(api.sendMessage(group.id, 'late', { ...to(ann), reply_parameters })),
    ).toContain('400');
    expect(texts(telegram.messages(group, { as: ann }))).toEqual([
      'a',
      'pressed',
      '/usage',
      'asked',
    ]);
  });

  test('never in private chats, nor for strangers', async () => {
    const bob = telegram.addUser({ first_name: 'Bob' });
    const group = telegram.group({ title: 'G', members: [ann], botIsAdmin: true });
    expect(await refusal(api.sendMessage(telegram.privateChat(ann).id, 'a', to(ann)))).toContain(
      '400',
    );
    expect(await refusal(api.sendMessage(group.id, 'a', to(bob)))).toContain('400');
  });
});
