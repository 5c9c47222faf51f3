/** Messages in channels: sending, reading, changing, deleting. */

import { PermissionFlagsBits as Bit, MessageFlags } from 'discord-api-types/v10';
import { deleteMessages } from './events.ts';
import { check } from './form-body.ts';
import { messagePayload, readableBy } from './message-payload.ts';
import { edit, post } from './outgoing.ts';
import { botMay, channelForBot, isBotsDm } from './permissions.ts';
import type { ChannelRecord, MessageRecord } from './records.ts';
import {
  cannotSendToUser,
  invalidForm,
  missingPermissions,
  noHistoryForReply,
  notInDm,
  notYours,
  threadArchived,
  unknownMessage,
} from './refusal.ts';
import { noContent, ok, param, type Request, type RouteTable } from './routing.ts';
import { messageEdit, type NewMessage, newMessage } from './shape-message.ts';
import type { World } from './world.ts';

/** How long a nonce is remembered: “the past few minutes”. */
const NONCE_MS = 5 * 60_000;

export function messageRoutes(world: World): RouteTable {
  const readable = (message: MessageRecord) =>
    readableBy(world, messagePayload(world, message), world.portal.messageContent);

  /** @throws DiscordRefusal also where it is ephemeral: nobody finds that by its id */
  const messageIn = (channel: ChannelRecord, request: Request): MessageRecord => {
    const message = world.messages.get(param(request, 'message'));
    const gone = message === undefined || message.deleted || message.onlyFor !== undefined;
    if (gone || message.channelId !== channel.id) throw unknownMessage();
    return message;
  };

  const sentBefore = (channel: ChannelRecord, body: NewMessage): MessageRecord | undefined =>
    channel.log.findLast(
      ({ nonce, authorId, id }) =>
        nonce !== undefined &&
        nonce === body.nonce &&
        authorId === world.bot.id &&
        BigInt(id) >> 22n > BigInt(world.clock.now() - NONCE_MS - 1_420_070_400_000),
    );

  const replied = (channel: ChannelRecord, body: NewMessage): MessageRecord | undefined => {
    const reference = body.message_reference;
    if (reference === undefined) return undefined;
    if (!botMay(world, channel, Bit.ReadMessageHistory)) throw noHistoryForReply();
    const target = world.messages.get(reference.message_id);
    const fits =
      target?.channelId === channel.id && !target.deleted && target.onlyFor === undefined;
    if (fits) return target;
    if (reference.fail_if_not_exists === false) return undefined;
    const code = 'MESSAGE_REFERENCE_UNKNOWN_MESSAGE';
    throw invalidForm('message_reference', code, 'Unknown message');
  };

  return {
    'POST /channels/:channel/messages': (request) => {
      const channel = channelForBot(world, param(request, 'channel'));
      if (isBotsDm(world, channel) && channel.recipients.some((id) => world.user(id).blocks)) {
        throw cannotSendToUser();
      }
      const needed = channel.thread === undefined ? Bit.SendMessages : Bit.SendMessagesInThreads;
      if (!botMay(world, channel, needed)) throw missingPermissions();
      const body = check(newMessage, request.json);
      if (request.files.length > 0 && !botMay(world, channel, Bit.AttachFiles)) {
        throw missingPermissions();
      }
      if (channel.thread?.locked === true && !botMay(world, channel, Bit.ManageThreads)) {
        throw threadArchived();
      }
      if (((body.flags ?? 0) & MessageFlags.Ephemeral) !== 0) {
        throw invalidForm('flags', 'BITWISE_INVALID', 'Only interactions have ephemeral answers');
      }
      const before = body.enforce_nonce === true ? sentBefore(channel, body) : undefined;
      if (before !== undefined) return ok(messagePayload(world, before));
      const { files } = request;
      const { nonce } = body;
      const replyTo = replied(channel, body);
      return ok(messagePayload(world, post(world, { channel, body, files, nonce, replyTo })));
    },

    'GET /channels/:channel/messages': (request) => {
      const channel = channelForBot(world, param(request, 'channel'));
      if (!botMay(world, channel, Bit.ReadMessageHistory)) return ok([]);
      return ok(page(channel, request.query).map(readable));
    },

    'GET /channels/:channel/messages/:message': (request) => {
      const channel = channelForBot(world, param(request, 'channel'), Bit.ReadMessageHistory);
      return ok(readable(messageIn(channel, request)));
    },

    'PATCH /channels/:channel/messages/:message': (request) => {
      const channel = channelForBot(world, param(request, 'channel'));
      const message = messageIn(channel, request);
      if (message.authorId !== world.bot.id) throw notYours();
      if (channel.thread?.archived === true) throw threadArchived();
      const body = check(messageEdit, request.json);
      return ok(messagePayload(world, edit(world, message, body, request.files)));
    },

    'DELETE /channels/:channel/messages/:message': (request) => {
      const channel = channelForBot(world, param(request, 'channel'));
      const message = messageIn(channel, request);
      if (message.authorId !== world.bot.id) {
        if (channel.guildId === undefined) throw notInDm();
        if (!botMay(world, channel, Bit.ManageMessages)) throw missingPermissions();
      }
      deleteMessages(world, [message]);
      return noContent;
    },

    'POST /channels/:channel/typing': (request) => {
      const id = param(request, 'channel');
      const channel = channelForBot(world, id);
      const needed = channel.thread === undefined ? Bit.SendMessages : Bit.SendMessagesInThreads;
      if (!botMay(world, channel, needed)) throw missingPermissions();
      channel.typingUntil = world.clock.now() + 10_000;
      return noContent;
    },

    'PUT /channels/:channel/messages/:message/reactions/:emoji/@me': (request) => {
      const channel = channelForBot(
        world,
        param(request, 'channel'),
        Bit.ReadMessageHistory,
        Bit.AddReactions,
      );
      messageIn(channel, request);
      return noContent;
    },
  };
}

/** Newest first; `limit` 50, at most 100. @throws DiscordRefusal 50035 */
function page(channel: ChannelRecord, query: URLSearchParams): MessageRecord[] {
  const limit = Number(query.get('limit') ?? 50);
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
    const text = 'int value should be between 1 and 100.';
    throw invalidForm('limit', 'NUMBER_TYPE_MAX', text);
  }
  const log = channel.log.filter(({ deleted, onlyFor }) => !deleted && onlyFor === undefined);
  const [before, after, around] = ['before', 'after', 'around'].map((key) => query.get(key));
  if (around) {
    const half = Math.floor(limit / 2);
    const at = log.findIndex(({ id }) => BigInt(id) >= BigInt(around));
    return log.slice(Math.max(0, at - half), at + half + 1).reverse();
  }
  if (after) {
    return log
      .filter(({ id }) => BigInt(id) > BigInt(after))
      .slice(0, limit)
      .reverse();
  }
  const older = before ? log.filter(({ id }) => BigInt(id) < BigInt(before)) : log;
  return older.slice(-limit).reverse();
}
