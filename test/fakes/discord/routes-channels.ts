/** Channels, threads, servers and people. */

import { PermissionFlagsBits as Bit, ChannelType } from 'discord-api-types/v10';
import { z } from 'zod';
import { channelEvent, messageUpdated } from './events.ts';
import { check } from './form-body.ts';
import { channelPayload, guildPayload, memberPayload, userPayload } from './payloads.ts';
import { botMay, botSees, channelForBot } from './permissions.ts';
import type { ChannelRecord, GuildRecord } from './records.ts';
import {
  missingAccess,
  missingPermissions,
  threadExists,
  unknownGuild,
  unknownMember,
  unknownMessage,
  unknownUser,
  wrongChannelType,
} from './refusal.ts';
import { noContent, ok, param, type RouteTable } from './routing.ts';
import { snowflake } from './shape-message.ts';
import { startThread } from './threads.ts';
import type { World } from './world.ts';

const archiveAfter = z.literal([60, 1440, 4320, 10_080]).optional();

const threadFromMessage = z.strictObject({
  name: z.string().min(1).max(100),
  auto_archive_duration: archiveAfter,
  rate_limit_per_user: z.int().min(0).max(21_600).optional(),
});

const thread = threadFromMessage.extend({
  type: z.literal([ChannelType.PublicThread, ChannelType.PrivateThread]).optional(),
  invitable: z.boolean().optional(),
});

const threadChange = z.strictObject({
  name: z.string().min(1).max(100).optional(),
  archived: z.boolean().optional(),
  locked: z.boolean().optional(),
  auto_archive_duration: archiveAfter,
  invitable: z.boolean().optional(),
});

export function channelRoutes(world: World): RouteTable {
  const guildForBot = (id: string): GuildRecord => {
    const guild = world.guilds.get(id);
    if (guild === undefined) throw unknownGuild();
    if (!guild.hasBot) throw missingAccess();
    return guild;
  };

  const inText = (channel: ChannelRecord): void => {
    if (channel.type !== ChannelType.GuildText) throw wrongChannelType();
  };

  return {
    'GET /channels/:channel': (request) =>
      ok(channelPayload(world, channelForBot(world, param(request, 'channel')))),

    'PATCH /channels/:channel': (request) => {
      const channel = channelForBot(world, param(request, 'channel'));
      if (channel.thread === undefined) throw missingPermissions();
      const owns = channel.thread.ownerId === world.bot.id;
      if (!owns && !botMay(world, channel, Bit.ManageThreads)) throw missingPermissions();
      const { name, archived, locked } = check(threadChange, request.json);
      channel.name = name ?? channel.name;
      channel.thread.archived = archived ?? channel.thread.archived;
      channel.thread.locked = locked ?? channel.thread.locked;
      channelEvent(world, 'UPDATE', channel);
      return ok(channelPayload(world, channel));
    },

    'POST /channels/:channel/messages/:message/threads': (request) => {
      const channel = channelForBot(world, param(request, 'channel'));
      inText(channel);
      if (!botMay(world, channel, Bit.CreatePublicThreads)) throw missingPermissions();
      const message = world.messages.get(param(request, 'message'));
      if (message === undefined || message.deleted || message.channelId !== channel.id) {
        throw unknownMessage();
      }
      const { name } = check(threadFromMessage, request.json);
      if (message.hasThread) throw threadExists();
      const started = startThread(world, channel, { name, from: message, ownerId: world.bot.id });
      messageUpdated(world, message);
      return ok(channelPayload(world, started), 201);
    },

    'POST /channels/:channel/threads': (request) => {
      const channel = channelForBot(world, param(request, 'channel'));
      inText(channel);
      const { name, type = ChannelType.PrivateThread } = check(thread, request.json);
      const isPrivate = type === ChannelType.PrivateThread;
      const needed = isPrivate ? Bit.CreatePrivateThreads : Bit.CreatePublicThreads;
      if (!botMay(world, channel, needed)) throw missingPermissions();
      const started = startThread(world, channel, { name, isPrivate, ownerId: world.bot.id });
      return ok(channelPayload(world, started), 201);
    },

    'PUT /channels/:channel/thread-members/@me': (request) => {
      const channel = channelForBot(world, param(request, 'channel'));
      channel.thread?.members.add(world.bot.id);
      return noContent;
    },

    'GET /users/@me': () => ok({ ...userPayload(world.bot), verified: true, mfa_enabled: true }),

    'GET /users/:user': (request) => {
      const user = world.users.get(param(request, 'user'));
      if (user === undefined) throw unknownUser();
      return ok(userPayload(user));
    },

    'POST /users/@me/channels': (request) => {
      const { recipient_id: id } = check(z.strictObject({ recipient_id: snowflake }), request.json);
      const user = world.users.get(id);
      if (user === undefined) throw unknownUser();
      return ok(channelPayload(world, world.dm(user.id)));
    },

    'GET /users/@me/guilds': () =>
      ok(
        [...world.guilds.values()]
          .filter(({ hasBot }) => hasBot)
          .map(({ id, name, botPermissions }) => ({
            id,
            name,
            icon: null,
            owner: false,
            permissions: String(botPermissions),
            features: [],
          })),
      ),

    'GET /guilds/:guild': (request) => ok(guildPayload(guildForBot(param(request, 'guild')))),

    'GET /guilds/:guild/channels': (request) => {
      const guild = guildForBot(param(request, 'guild'));
      const inside = [...world.channels.values()].filter(
        (it) =>
          it.guildId === guild.id && it.thread === undefined && !it.deleted && botSees(world, it),
      );
      return ok(inside.map((it) => channelPayload(world, it)));
    },

    'GET /guilds/:guild/members/:user': (request) => {
      const guild = guildForBot(param(request, 'guild'));
      const userId = param(request, 'user') === '@me' ? world.bot.id : param(request, 'user');
      if (userId !== world.bot.id && !guild.members.has(userId)) throw unknownMember();
      return ok(memberPayload(world, guild, userId));
    },
  };
}
