/** Which chat a request means, and whether the bot may do there what it asks. */

import { badRequest, forbidden } from './api-error.ts';
import { type Params, toInteger } from './params.ts';
import type { ChatRecord, World } from './state.ts';

/** `read` asks about the chat, `change` edits or deletes, `send` shows something new. */
export type Access = 'read' | 'change' | 'send';

/** @throws BotApiError */
export function findChat(world: World, params: Params, access: Access): ChatRecord {
  return chatByText(world, params.text('chat_id'), access);
}

/** @throws BotApiError */
export function chatByText(world: World, text: string, access: Access): ChatRecord {
  if (text === '') throw badRequest('chat_id is empty');
  const id = toInteger(text);
  const record = world.chats.get(id);
  if (record === undefined) {
    // The bot has met them in a group, and they never wrote to it.
    if (world.users.has(id) && access === 'send') {
      throw forbidden("bot can't initiate conversation with a user");
    }
    throw badRequest('chat not found');
  }
  checkAccess(record, access);
  return record;
}

function checkAccess(record: ChatRecord, access: Access): void {
  const { type } = record.chat;
  if (type === 'private') {
    if (record.members.get(record.chat.id)?.is_bot === true && access === 'send') {
      throw forbidden("the bot can't send messages to the bot");
    }
    if (record.bot === 'kicked' && access === 'send') {
      throw forbidden('bot was blocked by the user');
    }
    return;
  }
  if (record.migratedTo !== undefined && access !== 'read') {
    throw badRequest('group chat was upgraded to a supergroup chat', {
      migrate_to_chat_id: record.migratedTo,
    });
  }
  if (type === 'group' && access === 'read') return;
  if (record.bot === 'kicked') throw forbidden(`bot was kicked from the ${type} chat`);
  if (record.bot === 'left') throw forbidden(`bot is not a member of the ${type} chat`);
}

/**
 * The topic that a request names; undefined outside topics. Groups without topics ignore it.
 * @throws BotApiError when there is no such topic
 */
export function findTopic(record: ChatRecord, params: Params): number | undefined {
  const thread = params.integer('message_thread_id');
  if (thread <= 0) return undefined;
  const hasTopics = record.chat.type === 'private' || record.chat.is_forum === true;
  if (!hasTopics) return undefined;
  if (!record.topics.has(thread)) throw badRequest('message thread not found');
  return thread;
}
