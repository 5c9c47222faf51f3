/** What the gateway tells, and which intents it takes to be told. */

import { GatewayDispatchEvents as Event, GatewayIntentBits as Intent } from 'discord-api-types/v10';
import { messageEventPayload } from './message-payload.ts';
import { channelPayload, guildCreatePayload, memberPayload } from './payloads.ts';
import { botSees } from './permissions.ts';
import type { ChannelRecord, GuildRecord, MessageRecord } from './records.ts';
import type { World } from './world.ts';

/** Ephemeral messages, and channels that the bot does not see, are not told of. */
function emitMessage(world: World, type: Event, message: MessageRecord): void {
  const channel = world.channel(message.channelId);
  if (message.onlyFor !== undefined || !botSees(world, channel)) return;
  world.emit({
    type,
    guildId: channel.guildId,
    intents: messageIntent(channel),
    data: ({ intents }) =>
      messageEventPayload(world, message, (intents & Intent.MessageContent) !== 0),
  });
}

const messageIntent = ({ guildId }: ChannelRecord): number =>
  guildId === undefined ? Intent.DirectMessages : Intent.GuildMessages;

export function messageCreated(world: World, message: MessageRecord): void {
  emitMessage(world, Event.MessageCreate, message);
}

export function messageUpdated(world: World, message: MessageRecord): void {
  emitMessage(world, Event.MessageUpdate, message);
}

/** Deletes it, and tells so. */
export function deleteMessages(world: World, messages: readonly MessageRecord[]): void {
  const [first] = messages;
  if (first === undefined) return;
  for (const message of messages) message.deleted = true;
  if (first.onlyFor !== undefined) return;
  const channel = world.channel(first.channelId);
  if (!botSees(world, channel)) return;
  const where = { channel_id: channel.id, ...ofGuild(channel) };
  const ids = messages.map(({ id }) => id);
  world.emit({
    type: ids.length === 1 ? Event.MessageDelete : Event.MessageDeleteBulk,
    guildId: channel.guildId,
    intents: messageIntent(channel),
    data: () => (ids.length === 1 ? { id: first.id, ...where } : { ids, ...where }),
  });
}

export function channelEvent(
  world: World,
  type: 'CREATE' | 'UPDATE' | 'DELETE',
  channel: ChannelRecord,
  more: Readonly<Record<string, unknown>> = {},
): void {
  const isThread = channel.thread !== undefined;
  // Bots are told of all channels, also of those that they don't see into.
  if (world.guildOf(channel)?.hasBot !== true || (isThread && !botSees(world, channel))) return;
  world.emit({
    type: `${isThread ? 'THREAD' : 'CHANNEL'}_${type}`,
    guildId: channel.guildId,
    intents: Intent.Guilds,
    data: () =>
      isThread && type === 'DELETE'
        ? {
            id: channel.id,
            guild_id: channel.guildId,
            parent_id: channel.parentId,
            type: channel.type,
          }
        : { ...channelPayload(world, channel), ...more },
  });
}

export function guildCreated(world: World, guild: GuildRecord): void {
  guildEvent(guild, world, Event.GuildCreate, () => guildCreatePayload(world, guild));
}

export function guildGone(world: World, guild: GuildRecord, unavailable: boolean): void {
  const data = unavailable ? { id: guild.id, unavailable: true } : { id: guild.id };
  guildEvent(guild, world, Event.GuildDelete, () => data);
}

/** The bot's role, with what it may do now. */
export function roleUpdated(world: World, guild: GuildRecord, role: unknown): void {
  guildEvent(guild, world, Event.GuildRoleUpdate, () => ({ guild_id: guild.id, role }));
}

export function memberAdded(world: World, guild: GuildRecord, userId: string): void {
  if (!guild.hasBot) return;
  world.emit({
    type: Event.GuildMemberAdd,
    guildId: guild.id,
    intents: Intent.GuildMembers,
    data: () => ({ ...memberPayload(world, guild, userId), guild_id: guild.id }),
  });
}

export function typingStarted(world: World, channel: ChannelRecord, userId: string): void {
  if (!botSees(world, channel)) return;
  const timestamp = Math.floor(world.clock.now() / 1000);
  world.emit({
    type: Event.TypingStart,
    guildId: channel.guildId,
    intents: channel.guildId === undefined ? Intent.DirectMessageTyping : Intent.GuildMessageTyping,
    data: () => ({ channel_id: channel.id, user_id: userId, timestamp, ...ofGuild(channel) }),
  });
}

/** Only where the bot is a member. */
function guildEvent(guild: GuildRecord, world: World, type: Event, data: () => unknown): void {
  if (!guild.hasBot) return;
  world.emit({ type, guildId: guild.id, intents: Intent.Guilds, data });
}

const ofGuild = ({ guildId }: ChannelRecord) =>
  guildId === undefined ? {} : { guild_id: guildId };
