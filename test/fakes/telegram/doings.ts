/** What people do besides writing: press, block, throw out, turn a group into a supergroup. */

import { randomInt } from 'node:crypto';
import type { Chat, ChatMember, Message, Update, User } from 'grammy/types';
import { botMember } from './methods-chat.ts';
import type { Speakers } from './saying.ts';
import type { ChatRecord, LiveMessage, World } from './state.ts';
import type { NewGroup, VisibleButton } from './types.ts';
import type { UpdateQueue } from './updates.ts';

export class Doings {
  readonly #world: World;
  readonly #queue: UpdateQueue;
  readonly #speakers: Speakers;

  constructor(world: World, queue: UpdateQueue, speakers: Speakers) {
    this.#world = world;
    this.#queue = queue;
    this.#speakers = speakers;
  }

  group(group: NewGroup): ChatRecord {
    const record = this.#world.group(group);
    const before: ChatMember = { status: 'left', user: this.#world.botUser };
    this.#botChanged(record, before, record.creator);
    return record;
  }

  topic(record: ChatRecord, name: string): number {
    const hasTopics =
      record.chat.type === 'private'
        ? this.#world.bot.has_topics_enabled
        : record.chat.is_forum === true;
    if (!hasTopics) throw new Error('The chat has no topics');
    const forum_topic_created = { name, icon_color: 7_322_096 };
    const opened = this.#speakers.announce(record, record.creator, { forum_topic_created });
    const thread = opened.current.message_id;
    record.topics.set(thread, opened);
    return thread;
  }

  press(record: ChatRecord, message: Message, button: string, by: User): Update {
    const current = this.#find(record, message, by);
    const found = buttonsOf(current).find(({ label, data }) => label === button || data === button);
    if (found?.data === undefined) {
      throw new Error(`The message shows no button "${button}" that could be pressed`);
    }
    const id = String(randomInt(2 ** 40));
    const at = this.#world.now();
    this.#world.presses.set(id, { chatId: record.chat.id, userId: by.id, at });
    return this.#queue.push({
      callback_query: {
        id,
        from: by,
        message: current,
        chat_instance: String(-record.chat.id),
        data: found.data,
      },
    });
  }

  #find(record: ChatRecord, message: Message, by: User): LiveMessage {
    const { ephemeral_message_id: ephemeral } = message;
    const stored =
      ephemeral === undefined
        ? this.#world.findMessage(record, message.message_id)
        : this.#world.findEphemeral(record, ephemeral, by.id);
    if (stored === undefined) throw new Error(`${by.first_name} sees no such message`);
    return stored.current;
  }

  pressStop(record: ChatRecord): Update {
    const { chat } = record;
    if (chat.type !== 'private') throw new Error('Only private chats have drafts');
    const [newest] = [...record.drafts]
      .filter(([thread, draft]) => draft.canStop && this.#world.draft(record, thread) === draft)
      .sort(([, one], [, other]) => other.updatedAt - one.updatedAt);
    if (newest === undefined) throw new Error('There is no draft that could be stopped');
    const [thread, draft] = newest;
    record.stoppedDrafts.add(draft.draftId);
    if (!draft.keepOnStop) record.drafts.delete(thread);
    return this.#queue.push({
      stopped_message_generation: {
        chat,
        draft_id: draft.draftId,
        ...(thread === 0 ? {} : { message_thread_id: thread }),
      },
    });
  }

  /** A user blocks the bot, or a group throws it out. */
  ban(record: ChatRecord): Update {
    const before = botMember(this.#world, record);
    record.bot = 'kicked';
    record.drafts.clear();
    return this.#botChanged(record, before, record.creator);
  }

  unblock(record: ChatRecord): Update {
    const before = botMember(this.#world, record);
    record.bot = 'member';
    return this.#botChanged(record, before, record.creator);
  }

  migrate(old: ChatRecord): Chat.SupergroupChat {
    if (old.chat.type !== 'group' || old.migratedTo !== undefined) {
      throw new Error('Only a group becomes a supergroup, and only once');
    }
    const next = this.#world.supergroupOf(old, old.chat.title);
    const { chat } = next;
    if (chat.type !== 'supergroup') throw new Error('No supergroup was made');
    this.#speakers.announce(old, old.creator, { migrate_to_chat_id: chat.id });
    this.#speakers.announce(next, old.creator, { migrate_from_chat_id: old.chat.id });
    old.migratedTo = chat.id;
    return chat;
  }

  #botChanged(record: ChatRecord, before: ChatMember, from: User): Update {
    return this.#queue.push({
      my_chat_member: {
        chat: record.chat,
        from,
        date: this.#world.date(),
        old_chat_member: before,
        new_chat_member: botMember(this.#world, record),
      },
    });
  }
}

export function buttonsOf(message: Message): VisibleButton[] {
  return (message.reply_markup?.inline_keyboard ?? []).flat().map((button) => ({
    label: button.text,
    ...('callback_data' in button ? { data: button.callback_data } : {}),
    ...('url' in button ? { url: button.url } : {}),
  }));
}
