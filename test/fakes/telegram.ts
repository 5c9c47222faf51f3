/** A Telegram Bot API server for tests: people and groups on one side, a strict HTTP API on the other. */

import { randomBytes } from 'node:crypto';
import type { Chat, Update, UserFromGetMe } from 'grammy/types';
import { buttonsOf, Doings } from './telegram/doings.ts';
import { Faults } from './telegram/faults.ts';
import { startBotApiServer } from './telegram/http.ts';
import { RateLimits } from './telegram/limits.ts';
import { botMethods } from './telegram/methods-bot.ts';
import { chatMethods } from './telegram/methods-chat.ts';
import { deleteMethods } from './telegram/methods-delete.ts';
import { editMethods } from './telegram/methods-edit.ts';
import { sendMethods } from './telegram/methods-send.ts';
import { updateMethods } from './telegram/methods-updates.ts';
import { Speakers } from './telegram/saying.ts';
import { type ChatRecord, World } from './telegram/state.ts';
import type { RecordedCall, SimulatorOptions, TelegramSimulator } from './telegram/types.ts';
import { UpdateQueue, updateType } from './telegram/updates.ts';
import { Waiting } from './telegram/wait.ts';

export type * from './telegram/types.ts';

const BOT_ID = 7_000_000_001;

export async function startTelegramSimulator(
  options: SimulatorOptions = {},
): Promise<TelegramSimulator> {
  const { now = Date.now, limits = false, webhookRetryMs = 50 } = options;
  const world = new World(botOf(options), now);
  const token = `${BOT_ID}:${randomBytes(26).toString('base64url')}`;
  const queue = new UpdateQueue();
  const speakers = new Speakers(world, queue);
  const doings = new Doings(world, queue, speakers);
  const faults = new Faults();
  const waiting = new Waiting();
  const calls: RecordedCall[] = [];
  const updates = updateMethods({ queue, now, webhookRetryMs });
  const server = await startBotApiServer({
    world,
    token,
    calls,
    faults,
    limits: limits ? new RateLimits(now) : undefined,
    onCall: () => waiting.notify(),
    methods: {
      ...botMethods(world),
      ...chatMethods(world),
      ...sendMethods(world),
      ...editMethods(world),
      ...deleteMethods(world),
      ...updates.methods,
    },
  });

  const recordOf = (chat: Pick<Chat, 'id'>): ChatRecord => {
    const record = world.chats.get(chat.id);
    if (record === undefined) throw new Error(`There is no chat ${chat.id}`);
    return record;
  };

  return {
    url: server.url,
    token,
    bot: world.bot,
    calls,

    addUser: (user) => world.addUser(user),
    privateChat: (user) => {
      const { chat } = world.privateChat(user);
      if (chat.type !== 'private') throw new Error('That is no private chat');
      return chat;
    },
    group: (group) => {
      const { chat } = doings.group(group);
      if (chat.type === 'private') throw new Error('That is no group');
      return chat;
    },
    topic: (chat, name) => doings.topic(recordOf(chat), name),

    say: (chat, from, text, extra) => speakers.say(recordOf(chat), from, text, extra),
    sendDocument: (chat, from, { caption = '', ...document }, extra) =>
      speakers.say(recordOf(chat), from, caption, { ...extra, document }),
    sendPhoto: (chat, from, { caption = '', ...photo }, extra) =>
      speakers.say(recordOf(chat), from, caption, { ...extra, photo }),
    edit: (message, text) => speakers.edit(message, text),
    press: (message, button, by) => doings.press(recordOf(message.chat), message, button, by),
    pressStop: (chat) => doings.pressStop(recordOf(chat)),
    remove: (message) => {
      const stored = world.findMessage(recordOf(message.chat), message.message_id);
      if (stored !== undefined) stored.deleted = true;
    },
    block: (user) => doings.ban(world.privateChat(user)),
    unblock: (user) => doings.unblock(world.privateChat(user)),
    removeBot: (chat) => doings.ban(recordOf(chat)),
    leave: (chat, user) => void recordOf(chat).members.delete(user.id),
    migrate: (chat) => doings.migrate(recordOf(chat)),

    pushUpdate: (update) => queue.push(update),
    redeliver: (of) => {
      const update = 'update_id' in of ? of : speakers.updateOf(of);
      if (update === undefined) throw new Error('The bot never got an update of it');
      queue.pushAgain(update);
    },
    pendingUpdates: () => queue.pending,

    messages: (chat, { thread, as } = {}) =>
      recordOf(chat)
        .log.filter(
          ({ deleted, onlyFor, current }) =>
            !deleted &&
            (onlyFor === undefined || onlyFor === as?.id) &&
            (thread === undefined || current.message_thread_id === thread),
        )
        .map(({ current }) => current),
    draft: (chat, thread = 0) => {
      const draft = world.draft(recordOf(chat), thread);
      if (draft === undefined) return undefined;
      const { text, entities, draftId, canStop } = draft;
      return { text, entities, draft_id: draftId, can_stop: canStop };
    },
    buttons: (message) => {
      const { log } = recordOf(message.chat);
      const stored = log.find(
        ({ current }) =>
          current.message_id === message.message_id &&
          current.ephemeral_message_id === message.ephemeral_message_id,
      );
      return buttonsOf(stored?.current ?? message);
    },
    callbackAnswer: (press) => world.presses.get(pressId(press))?.answer,
    file: (fileId) => world.files.get(fileId)?.bytes,
    callsOf: (method) => calls.filter((call) => call.method === method),
    waitFor: (predicate, waitOptions) => waiting.for(predicate, waitOptions),

    fail: (rule) => faults.add(rule),
    clearFaults: () => faults.clear(),
    close: async () => {
      updates.close();
      await server.close();
    },
  };
}

function botOf(options: SimulatorOptions): UserFromGetMe {
  return {
    id: BOT_ID,
    is_bot: true,
    first_name: 'Latchkey',
    username: options.username ?? 'latchkey_test_bot',
    can_join_groups: true,
    can_read_all_group_messages: options.canReadAllGroupMessages ?? true,
    supports_guest_queries: false,
    supports_inline_queries: false,
    can_connect_to_business: false,
    has_main_web_app: false,
    has_topics_enabled: options.hasTopicsEnabled ?? false,
    allows_users_to_create_topics: false,
    can_manage_bots: false,
    supports_join_request_queries: false,
  };
}

function pressId(press: Update | string): string {
  if (typeof press === 'string') return press;
  if (press.callback_query === undefined) {
    throw new Error(`That is no press of a button: ${updateType(press)}`);
  }
  return press.callback_query.id;
}
