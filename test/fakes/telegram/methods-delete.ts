import { z } from 'zod';
import { findChat } from './access.ts';
import { badRequest } from './api-error.ts';
import type { MethodTable } from './method.ts';
import type { ChatRecord, StoredMessage, World } from './state.ts';

/** Bots delete nothing that is older, in seconds. */
const DELETABLE = 48 * 3600;

export function deleteMethods(world: World): MethodTable {
  return {
    deleteMessage: ({ params }) => {
      if (params.text('chat_id') === '') throw badRequest('Chat identifier is not specified');
      const messageId = params.integer('message_id');
      if (params.text('message_id') === '') {
        throw badRequest('Message identifier is not specified');
      }
      const record = findChat(world, params, 'change');
      const stored = world.findMessage(record, messageId);
      if (stored === undefined) throw badRequest('message to delete not found');
      checkDeletable(world, record, stored);
      stored.deleted = true;
      return true;
    },

    deleteMessages: ({ params }) => {
      const ids = params.json('message_ids', z.array(z.number().int()), 'message_ids') ?? [];
      if (ids.length === 0) throw badRequest('Message identifiers are not specified');
      if (ids.length > 100) throw badRequest('Too many message identifiers specified');
      if (ids.some((id) => id <= 0)) throw badRequest('Invalid message identifier specified');
      const record = findChat(world, params, 'change');
      // Those that are not there are skipped; one that may not be deleted spoils it all.
      const found = ids
        .map((id) => world.findMessage(record, id))
        .filter((stored) => stored !== undefined);
      for (const stored of found) checkDeletable(world, record, stored);
      for (const stored of found) stored.deleted = true;
      return true;
    },

    deleteEphemeralMessage: ({ params }) => {
      const record = findChat(world, params, 'change');
      const receiver = params.integer('receiver_user_id');
      const stored = world.findEphemeral(record, params.integer('ephemeral_message_id'), receiver);
      if (stored === undefined) throw badRequest('MESSAGE_ID_INVALID');
      stored.deleted = true;
      return true;
    },
  };
}

/** @throws BotApiError */
function checkDeletable(world: World, record: ChatRecord, stored: StoredMessage): void {
  const isOld = world.date() - stored.current.date > DELETABLE;
  const own = stored.outgoing && !stored.service;
  const { type } = record.chat;
  if (type === 'private') {
    if (isOld) throw badRequest("Message can't be deleted for everyone");
  } else if (type === 'group') {
    const allowed = own || record.bot === 'administrator';
    if (isOld || !allowed) throw badRequest("Message can't be deleted for everyone");
  } else {
    const { current } = stored;
    const fixed = current.forum_topic_created ?? current.migrate_from_chat_id;
    const mayAny = record.bot === 'administrator' && record.botCanDelete;
    if (isOld || fixed !== undefined || !(own || mayAny)) {
      throw badRequest("Message can't be deleted");
    }
  }
}
