/** How an interaction comes to be, and what the bot is told of it. */

import { randomBytes } from 'node:crypto';
import {
  type APIApplicationCommand,
  type ApplicationCommandType,
  ApplicationIntegrationType,
  PermissionFlagsBits as Bit,
  InteractionContextType as Context,
  type InteractionType,
} from 'discord-api-types/v10';
import { messagePayload } from './message-payload.ts';
import { channelPayload, memberPayload, userPayload } from './payloads.ts';
import { botPermissionsIn, isBotsDm, userPermissionsIn } from './permissions.ts';
import type { ChannelRecord, InteractionRecord, MessageRecord } from './records.ts';
import { mustBeThere } from './saying.ts';
import type { World } from './world.ts';

export interface Asking {
  readonly type: InteractionType;
  readonly channel: ChannelRecord;
  readonly userId: string;
  readonly data: unknown;
  readonly command?: APIApplicationCommand | undefined;
  readonly source?: MessageRecord | undefined;
  /** The interaction that this one comes from: the one that opened the modal, or whose message has the button. */
  readonly from?: InteractionRecord | undefined;
}

export function ask(world: World, asking: Asking): InteractionRecord {
  const { channel, userId, type, source, from, command } = asking;
  mustBeThere(world, channel, userId);
  const owners = from?.owners ?? ownersOf(world, channel, userId, command);
  const guild = world.guildOf(channel);
  const guildInstalled = owners[ApplicationIntegrationType.GuildInstall] !== undefined;
  const interaction: InteractionRecord = {
    id: world.clock.nextId(),
    token: randomBytes(96).toString('base64url'),
    type,
    channelId: channel.id,
    userId,
    createdAt: world.clock.now(),
    commandName: command?.name ?? from?.commandName,
    source,
    owners,
    guildInstalled,
    forcedEphemeral:
      guild !== undefined && !guildInstalled && !mayAnswerInPublic(world, channel, userId),
    ack: undefined,
    modal: undefined,
    choices: undefined,
    original: undefined,
    followUps: [],
    edits: 0,
  };
  world.interactions.push(interaction);
  const payload = interactionPayload(world, interaction, asking.data);
  world.emit({
    type: 'INTERACTION_CREATE',
    intents: 0,
    guildId: channel.guildId,
    data: () => payload,
  });
  return interaction;
}

/** The command as this person is offered it there. @throws when it is not */
export function offered(
  world: World,
  channel: ChannelRecord,
  userId: string,
  name: string,
  type: ApplicationCommandType,
): APIApplicationCommand {
  const command = world.commands.find((it) => it.name === name && it.type === type);
  const names = world.commands.map((it) => it.name).join(', ');
  if (command === undefined) throw new Error(`No command ${name} is registered (${names})`);
  const context = contextOf(world, channel);
  const { contexts, default_member_permissions: needed } = command;
  const owners = ownersOf(world, channel, userId, command);
  const isOffered = contexts === null || contexts === undefined || contexts.includes(context);
  if (!isOffered || Object.keys(owners).length === 0) {
    throw new Error(`${world.user(userId).name} is not offered ${name} there`);
  }
  const guild = world.guildOf(channel);
  if (guild !== undefined && needed !== null) {
    const has = userPermissionsIn(guild, userId);
    if ((has & BigInt(needed)) !== BigInt(needed)) {
      throw new Error(`${world.user(userId).name} lacks the permissions for ${name}`);
    }
  }
  return command;
}

function contextOf(world: World, channel: ChannelRecord): Context {
  if (channel.guildId !== undefined) return Context.Guild;
  return isBotsDm(world, channel) ? Context.BotDM : Context.PrivateChannel;
}

/** Through which installation the app may act; the bot's own DM counts as a server's, with id 0. */
function ownersOf(
  world: World,
  channel: ChannelRecord,
  userId: string,
  command: APIApplicationCommand | undefined,
): Readonly<Record<string, string>> {
  const { GuildInstall, UserInstall } = ApplicationIntegrationType;
  const types = command?.integration_types ?? [GuildInstall, UserInstall];
  const guild = world.guildOf(channel);
  const byGuild = guild === undefined ? isBotsDm(world, channel) : guild.hasBot;
  const byUser = world.user(userId).installed;
  return {
    ...(byGuild && types.includes(GuildInstall) ? { [GuildInstall]: guild?.id ?? '0' } : {}),
    ...(byUser && types.includes(UserInstall) ? { [UserInstall]: userId } : {}),
  };
}

function mayAnswerInPublic(world: World, channel: ChannelRecord, userId: string): boolean {
  const guild = world.guildOf(channel);
  if (guild === undefined) return true;
  return guild.externalApps && hasBit(userPermissionsIn(guild, userId), Bit.UseExternalApps);
}

const hasBit = (bits: bigint, bit: bigint): boolean => (bits & bit) !== 0n;

function interactionPayload(world: World, interaction: InteractionRecord, data: unknown): unknown {
  const { id, token, type, userId, source, owners } = interaction;
  const channel = world.channel(interaction.channelId);
  const guild = world.guildOf(channel);
  const user = userPayload(world.user(userId));
  const { locale } = world.user(userId);
  const who =
    guild === undefined
      ? { user }
      : {
          guild_id: guild.id,
          guild: { id: guild.id, locale: 'en-US', features: [] },
          guild_locale: 'en-US',
          member: {
            ...memberPayload(world, guild, userId),
            permissions: String(userPermissionsIn(guild, userId)),
          },
        };
  const bot = botPermissionsIn(world, channel);
  return {
    id,
    application_id: world.applicationId,
    type,
    token,
    version: 1,
    data,
    channel_id: channel.id,
    channel: {
      ...channelPayload(world, channel),
      ...(guild === undefined ? {} : { permissions: String(userPermissionsIn(guild, userId)) }),
    },
    ...who,
    ...(source === undefined ? {} : { message: messagePayload(world, source) }),
    locale,
    // Of an app that is no member: what any app may do that answers there.
    app_permissions: String(bot === 0n ? Bit.EmbedLinks | Bit.AttachFiles : bot),
    entitlements: [],
    authorizing_integration_owners: owners,
    context: contextOf(world, channel),
    attachment_size_limit: 10 * 2 ** 20,
  };
}
