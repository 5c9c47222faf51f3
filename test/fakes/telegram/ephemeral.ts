/** Messages in a group that one person alone sees (Bot API 10.2 and later). */

import { z } from 'zod';
import { badRequest } from './api-error.ts';
import type { Params } from './params.ts';
import type { ChatRecord, StoredMessage, World } from './state.ts';

/** How long after what a person did a bot without rights may answer, in milliseconds. */
const ANSWER_WINDOW = 15_000;

const schema = z.object({
  receiver_user_id: z.number().int(),
  callback_query_id: z.string().optional(),
  replace_callback_query_message: z.boolean().optional(),
});

/**
 * @param replyTo the ephemeral message of the person that is answered, if any
 * @returns who alone is to see the message; undefined when everybody is
 * @throws BotApiError. Telegram's documents give the rules; the words of some refusals are guesses.
 */
export function readReceiver(
  world: World,
  record: ChatRecord,
  params: Params,
  replyTo: StoredMessage | undefined,
): number | undefined {
  const label = 'ephemeral message parameters';
  const wanted = params.json('ephemeral_message_parameters', schema, label);
  if (wanted === undefined) return undefined;
  if (record.chat.type === 'private') {
    throw badRequest('ephemeral messages can be sent only in groups and supergroups');
  }
  const receiver = record.members.get(wanted.receiver_user_id);
  if (receiver === undefined) throw badRequest('USER_NOT_PARTICIPANT');
  if (receiver.is_bot) throw badRequest('USER_IS_BOT');
  if (record.bot === 'administrator') return receiver.id;
  const pressed = freshPress(world, record, wanted.callback_query_id, receiver.id);
  const asked =
    replyTo?.onlyFor === receiver.id &&
    world.now() - replyTo.current.date * 1000 <= ANSWER_WINDOW + 1000;
  if (!pressed && !asked) throw badRequest('CHAT_ADMIN_REQUIRED');
  return receiver.id;
}

function freshPress(
  world: World,
  record: ChatRecord,
  id: string | undefined,
  userId: number,
): boolean {
  if (id === undefined) return false;
  const press = world.presses.get(id);
  if (press === undefined || press.userId !== userId || press.chatId !== record.chat.id) {
    throw badRequest('QUERY_ID_INVALID');
  }
  return world.now() - press.at <= ANSWER_WINDOW;
}
