/** What the bot and people may do in a channel. */

import {
  type APIOverwrite,
  PermissionFlagsBits as Bit,
  OverwriteType,
} from 'discord-api-types/v10';
import { ALL_PERMISSIONS } from './permission-sets.ts';
import type { ChannelRecord, GuildRecord } from './records.ts';
import { missingAccess, missingPermissions, unknownChannel } from './refusal.ts';
import type { World } from './world.ts';

/** Threads have those of the channel that they are in. */
function homeOf(world: World, channel: ChannelRecord): ChannelRecord {
  const parent = channel.parentId === undefined ? undefined : world.channels.get(channel.parentId);
  return parent ?? channel;
}

/** Of the bot in a channel; nothing where it is no member. */
export function botPermissionsIn(world: World, channel: ChannelRecord): bigint {
  const guild = world.guildOf(channel);
  if (guild === undefined) return isBotsDm(world, channel) ? ALL_PERMISSIONS : 0n;
  if (!guild.hasBot) return 0n;
  const home = homeOf(world, channel);
  const bits = channel.botPermissions ?? home.botPermissions ?? guild.botPermissions;
  return (bits & Bit.Administrator) === 0n ? bits : ALL_PERMISSIONS;
}

export function userPermissionsIn(guild: GuildRecord, userId: string): bigint {
  if (guild.ownerId === userId) return ALL_PERMISSIONS;
  const bits = [...guild.roles.values()]
    .filter(({ id, members }) => id === guild.id || members.has(userId))
    .reduce((all, { permissions }) => all | permissions, 0n);
  return (bits & Bit.Administrator) === 0n ? bits : ALL_PERMISSIONS;
}

/** Brings what roles give to the bot to what it has in this channel. */
export function overwritesOf(world: World, channel: ChannelRecord): APIOverwrite[] {
  const guild = world.guildOf(channel);
  if (guild === undefined || !guild.hasBot) return [];
  const target = botPermissionsIn(world, channel);
  const base = (guild.roles.get(guild.id)?.permissions ?? 0n) | guild.botPermissions;
  if (base === target) return [];
  return [
    {
      id: world.bot.id,
      type: OverwriteType.Member,
      allow: String(target & ~base),
      deny: String(base & ~target),
    },
  ];
}

export function isBotsDm(_world: World, channel: ChannelRecord): boolean {
  return channel.guildId === undefined && channel.recipients.length === 1;
}

/** Whether the bot is told of what happens there. */
export function botSees(world: World, channel: ChannelRecord): boolean {
  const bits = botPermissionsIn(world, channel);
  if ((bits & Bit.ViewChannel) === 0n) return false;
  const { thread } = channel;
  if (thread === undefined || !thread.isPrivate) return true;
  return thread.members.has(world.bot.id) || (bits & Bit.ManageThreads) !== 0n;
}

/**
 * The channel, where the bot may see it and do all this.
 * @throws DiscordRefusal 10003, 50001 or 50013
 */
export function channelForBot(world: World, id: string, ...needed: bigint[]): ChannelRecord {
  const channel = world.channels.get(id);
  if (channel === undefined || channel.deleted) throw unknownChannel();
  if (!botSees(world, channel)) throw missingAccess();
  const bits = botPermissionsIn(world, channel);
  if (needed.some((bit) => (bits & bit) === 0n)) throw missingPermissions();
  return channel;
}

export function botMay(world: World, channel: ChannelRecord, bit: bigint): boolean {
  return (botPermissionsIn(world, channel) & bit) !== 0n;
}
