/** People, servers and channels as the API gives them. */

import {
  type APIChannel,
  type APIGuild,
  type APIGuildMember,
  type APIRole,
  type APIUser,
  ChannelType,
  type GatewayGuildCreateDispatchData,
  Locale,
} from 'discord-api-types/v10';
import { timeOf } from './clock.ts';
import { overwritesOf } from './permissions.ts';
import type { ChannelRecord, GuildRecord, RoleRecord, UserRecord } from './records.ts';
import type { World } from './world.ts';

/** Flags are types of their own, to which a literal 0 does not belong. */
const NO_FLAGS: number = 0;

export function userPayload({ id, name, bot }: UserRecord): APIUser {
  return {
    id,
    username: name,
    discriminator: '0',
    global_name: name,
    avatar: null,
    ...(bot ? { bot: true } : {}),
  };
}

export function rolePayload(role: RoleRecord, position: number): APIRole {
  return {
    id: role.id,
    name: role.name,
    color: 0,
    colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
    hoist: false,
    position,
    permissions: String(role.permissions),
    managed: role.managed,
    mentionable: role.mentionable,
    flags: NO_FLAGS,
  };
}

/** Roles with that of the bot itself, which has the guild's id, made greater by one. */
export function rolesPayload(guild: GuildRecord): APIRole[] {
  const bots: RoleRecord = {
    id: botRoleId(guild),
    name: 'bot',
    mentionable: false,
    managed: true,
    permissions: guild.botPermissions,
    members: new Set(),
  };
  return [...guild.roles.values(), ...(guild.hasBot ? [bots] : [])].map(rolePayload);
}

export function botRoleId(guild: GuildRecord): string {
  return String(BigInt(guild.id) + 1n);
}

export function memberPayload(world: World, guild: GuildRecord, userId: string): APIGuildMember {
  const isBot = userId === world.bot.id;
  const roles = isBot
    ? [botRoleId(guild)]
    : [...guild.roles.values()].filter(({ members }) => members.has(userId)).map(({ id }) => id);
  return {
    user: userPayload(world.user(userId)),
    nick: null,
    avatar: null,
    banner: null,
    roles,
    joined_at: guild.members.get(userId) ?? new Date(timeOf(guild.id)).toISOString(),
    premium_since: null,
    deaf: false,
    mute: false,
    flags: NO_FLAGS,
    pending: false,
    communication_disabled_until: null,
  };
}

export function channelPayload(world: World, channel: ChannelRecord): APIChannel {
  const { id, type, name, guildId, parentId, thread } = channel;
  const last = channel.log.at(-1)?.id ?? null;
  if (thread !== undefined && guildId !== undefined) {
    return {
      id,
      type: thread.isPrivate ? ChannelType.PrivateThread : ChannelType.PublicThread,
      name,
      guild_id: guildId,
      ...(parentId === undefined ? {} : { parent_id: parentId }),
      owner_id: thread.ownerId,
      last_message_id: last,
      message_count: channel.log.length,
      member_count: thread.members.size,
      total_message_sent: channel.log.length,
      rate_limit_per_user: 0,
      thread_metadata: {
        archived: thread.archived,
        locked: thread.locked,
        auto_archive_duration: 1440,
        archive_timestamp: thread.createdAt,
        create_timestamp: thread.createdAt,
      },
      ...(thread.members.has(world.bot.id)
        ? {
            member: {
              id,
              user_id: world.bot.id,
              join_timestamp: thread.createdAt,
              flags: NO_FLAGS,
            },
          }
        : {}),
      flags: NO_FLAGS,
    };
  }
  if (guildId !== undefined) {
    return {
      id,
      type: ChannelType.GuildText,
      name,
      guild_id: guildId,
      position: 0,
      parent_id: null,
      topic: null,
      nsfw: false,
      rate_limit_per_user: 0,
      last_message_id: last,
      permission_overwrites: overwritesOf(world, channel),
      flags: NO_FLAGS,
    };
  }
  const recipients = channel.recipients.map((recipient) => userPayload(world.user(recipient)));
  if (type === ChannelType.GroupDM) {
    return { id, type, name, recipients, last_message_id: last, icon: null, flags: NO_FLAGS };
  }
  return {
    id,
    type: ChannelType.DM,
    name: null,
    recipients,
    last_message_id: last,
    flags: NO_FLAGS,
  };
}

export function guildPayload(guild: GuildRecord): APIGuild {
  return {
    id: guild.id,
    name: guild.name,
    owner_id: guild.ownerId,
    roles: rolesPayload(guild),
    ...EMPTY_GUILD,
  };
}

/** What a session is told of a guild when it comes to know it. */
export function guildCreatePayload(
  world: World,
  guild: GuildRecord,
): GatewayGuildCreateDispatchData {
  const inside = [...world.channels.values()].filter(
    ({ guildId, deleted }) => guildId === guild.id && !deleted,
  );
  const payloads = inside.map((channel) => channelPayload(world, channel));
  return {
    ...guildPayload(guild),
    joined_at: new Date(timeOf(guild.id)).toISOString(),
    large: false,
    unavailable: false,
    member_count: guild.members.size + 1,
    voice_states: [],
    members: [memberPayload(world, guild, world.bot.id)],
    channels: payloads.filter((channel) => channel.type === ChannelType.GuildText),
    threads: payloads.filter((channel) => channel.type === ChannelType.PublicThread),
    presences: [],
    stage_instances: [],
    guild_scheduled_events: [],
    soundboard_sounds: [],
  };
}

const EMPTY_GUILD: Omit<APIGuild, 'id' | 'name' | 'owner_id' | 'roles'> = {
  icon: null,
  splash: null,
  discovery_splash: null,
  afk_channel_id: null,
  afk_timeout: 300,
  verification_level: 0,
  default_message_notifications: 1,
  explicit_content_filter: 0,
  emojis: [],
  features: [],
  mfa_level: 0,
  application_id: null,
  system_channel_id: null,
  system_channel_flags: NO_FLAGS,
  rules_channel_id: null,
  vanity_url_code: null,
  description: null,
  banner: null,
  premium_tier: 0,
  preferred_locale: Locale.EnglishUS,
  public_updates_channel_id: null,
  nsfw_level: 0,
  premium_progress_bar_enabled: false,
  safety_alerts_channel_id: null,
  stickers: [],
  hub_type: null,
  region: 'us',
  incidents_data: null,
};
