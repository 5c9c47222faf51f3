/** Servers and channels as tests hold them, and what becomes of them. */

import { ChannelType } from 'discord-api-types/v10';
import {
  channelEvent,
  deleteMessages,
  guildCreated,
  guildGone,
  memberAdded,
  roleUpdated,
} from './events.ts';
import { rolesPayload } from './payloads.ts';
import type { ChannelRecord, GuildRecord, RoleRecord } from './records.ts';
import { startThread } from './threads.ts';
import type { FakeChannel, FakeDiscord, FakeGuild, FakeRole } from './types.ts';
import type { World } from './world.ts';

export type Places = Pick<
  FakeDiscord,
  | 'addGuild'
  | 'addMember'
  | 'removeMember'
  | 'addRole'
  | 'addChannel'
  | 'addThread'
  | 'dm'
  | 'groupDm'
  | 'guild'
  | 'channel'
  | 'setUserPermissions'
  | 'setEverybodysPermissions'
  | 'setBotPermissions'
  | 'removeBot'
  | 'guildUnavailable'
  | 'deleteGuild'
  | 'deleteChannel'
  | 'archiveThread'
  | 'deleteMessage'
  | 'deleteMessages'
  | 'threads'
>;

export function places(world: World): Places {
  const inside = (guild: GuildRecord): ChannelRecord[] =>
    [...world.channels.values()].filter(({ guildId }) => guildId === guild.id);

  return {
    addGuild: (options) => {
      const guild = world.addGuild(options);
      guildCreated(world, guild);
      return fakeGuild(guild);
    },
    removeMember: (guild, user) => void world.guild(guild.id).members.delete(user.id),

    addMember: ({ id }, user) => {
      const guild = world.guild(id);
      guild.members.set(user.id, world.clock.iso());
      memberAdded(world, guild, user.id);
    },
    addRole: ({ id }, name, members = []) => {
      const role = world.addRole(world.guild(id), name, 0n, true);
      for (const member of members) role.members.add(member.id);
      return fakeRole(role);
    },
    addChannel: ({ id }, { name, botPermissions }) => {
      const channel = world.addChannel({
        type: ChannelType.GuildText,
        name,
        guildId: id,
        botPermissions,
      });
      channelEvent(world, 'CREATE', channel);
      return fakeChannel(channel);
    },
    addThread: ({ id }, { name, from, hasBot = true, isPrivate = false }) => {
      const parent = world.channel(id);
      const guild = world.guildOf(parent);
      if (guild === undefined) throw new Error('Threads are for servers');
      const members = hasBot ? [world.bot.id] : [];
      const ownerId = from?.authorId ?? guild.ownerId;
      const message = from && world.message(from.id);
      return fakeChannel(
        startThread(world, parent, { name, from: message, isPrivate, members, ownerId }),
      );
    },
    dm: (user) => fakeChannel(world.dm(user.id)),
    groupDm: (users) =>
      fakeChannel(
        world.addChannel({
          type: ChannelType.GroupDM,
          name: users.map(({ name }) => name).join(', '),
          recipients: users.map(({ id }) => id),
        }),
      ),
    guild: (id) => fakeGuild(world.guild(id)),
    channel: (id) => fakeChannel(world.channel(id)),

    setUserPermissions: ({ id }, user, permissions) => {
      const guild = world.guild(id);
      const name = `rights of ${user.name}`;
      const before = [...guild.roles.values()].find((role) => role.name === name);
      const role = before ?? world.addRole(guild, name, 0n, false);
      role.members.add(user.id);
      role.permissions = permissions;
    },
    setEverybodysPermissions: ({ id }, permissions) => {
      const role = world.guild(id).roles.get(id);
      if (role !== undefined) role.permissions = permissions;
    },
    setBotPermissions: (where, permissions) => {
      const channel = world.channels.get(where.id);
      if (channel !== undefined) {
        channel.botPermissions = permissions;
        channelEvent(world, 'UPDATE', channel);
        return;
      }
      const guild = world.guild(where.id);
      guild.botPermissions = permissions;
      roleUpdated(world, guild, rolesPayload(guild).at(-1));
    },
    removeBot: ({ id }) => {
      const guild = world.guild(id);
      guildGone(world, guild, false);
      guild.hasBot = false;
    },
    guildUnavailable: ({ id }) => guildGone(world, world.guild(id), true),
    deleteGuild: ({ id }) => {
      const guild = world.guild(id);
      for (const channel of inside(guild)) channel.deleted = true;
      guildGone(world, guild, false);
      guild.hasBot = false;
    },
    deleteChannel: ({ id }) => {
      const channel = world.channel(id);
      for (const other of world.channels.values()) {
        if (other.parentId === id && other.thread !== undefined) other.deleted = true;
      }
      channelEvent(world, 'DELETE', channel);
      channel.deleted = true;
    },
    archiveThread: ({ id }, { locked = false } = {}) => {
      const channel = world.channel(id);
      if (channel.thread === undefined) throw new Error(`${channel.name} is no thread`);
      channel.thread.archived = true;
      channel.thread.locked = locked;
      channelEvent(world, 'UPDATE', channel);
    },
    deleteMessage: ({ id }) => deleteMessages(world, [world.message(id)]),
    deleteMessages: (messages) =>
      deleteMessages(
        world,
        messages.map(({ id }) => world.message(id)),
      ),
    threads: ({ id }) =>
      [...world.channels.values()]
        .filter(({ parentId, deleted }) => parentId === id && !deleted)
        .map(fakeChannel),
  };
}

function fakeGuild(guild: GuildRecord): FakeGuild {
  const everyone = guild.roles.get(guild.id);
  if (everyone === undefined) throw new Error('A guild without everyone');
  return { id: guild.id, name: guild.name, everyone: fakeRole(everyone) };
}

function fakeRole({ id, name, mentionable }: RoleRecord): FakeRole {
  return { id, name, mentionable };
}

function fakeChannel(channel: ChannelRecord): FakeChannel {
  const { id, name, guildId, parentId, type, thread } = channel;
  const inGuild = thread === undefined ? 'text' : 'thread';
  const isPrivate = type === ChannelType.GroupDM ? 'groupDm' : 'dm';
  return { id, name, guildId, parentId, kind: guildId === undefined ? isPrivate : inGuild };
}
