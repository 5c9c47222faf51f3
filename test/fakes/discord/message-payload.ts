/** Messages as the API gives them: whole, and emptied for those without the intent. */

import {
  type APIAttachment,
  type APIMessage,
  type APIMessageInteractionMetadata,
  InteractionType,
  type MessageFlags,
  MessageType,
} from 'discord-api-types/v10';
import { timeOf } from './clock.ts';
import { channelPayload, memberPayload, userPayload } from './payloads.ts';
import { isBotsDm } from './permissions.ts';
import type { FileRecord, InteractionRecord, MessageRecord } from './records.ts';
import { signedUrl } from './signed-url.ts';
import type { World } from './world.ts';

export function messagePayload(world: World, message: MessageRecord, depth = 0): APIMessage {
  const { interaction, replyTo } = message;
  const fromBot = message.authorId === world.bot.id;
  const payload: APIMessage = {
    id: message.id,
    channel_id: message.channelId,
    author: userPayload(world.user(message.authorId)),
    type: message.type,
    content: message.content,
    timestamp: new Date(timeOf(message.id)).toISOString(),
    edited_timestamp: message.editedAt ?? null,
    tts: false,
    pinned: false,
    mention_everyone: message.mentions.everyone,
    mention_roles: [...message.mentions.roles],
    mentions: message.mentions.users.flatMap((id) => {
      const user = world.users.get(id);
      return user === undefined ? [] : [userPayload(user)];
    }),
    attachments: message.files.map((file) => attachmentPayload(world, file)),
    embeds: [...message.embeds],
    components: [...message.components],
    flags: message.flags,
    ...message.fields,
  };
  if (message.nonce !== undefined) payload.nonce = message.nonce;
  if (interaction !== undefined) {
    payload.webhook_id = world.applicationId;
    payload.interaction_metadata = metadataOf(world, interaction);
  }
  if (fromBot) payload.application_id = world.applicationId;
  if (message.hasThread) {
    const thread = world.channels.get(message.id);
    if (thread !== undefined) payload.thread = channelPayload(world, thread);
  }
  if (replyTo !== undefined) {
    const guildId = world.channels.get(replyTo.channelId)?.guildId;
    payload.message_reference = {
      type: 0,
      message_id: replyTo.messageId,
      channel_id: replyTo.channelId,
      ...(guildId === undefined ? {} : { guild_id: guildId }),
    };
    if (depth === 0) {
      const target = world.messages.get(replyTo.messageId);
      payload.referenced_message =
        target === undefined || target.deleted ? null : messagePayload(world, target, 1);
    }
  }
  return payload;
}

export function attachmentPayload(world: World, file: FileRecord): APIAttachment {
  const url = signedUrl(world, file);
  return {
    id: file.id,
    filename: file.name,
    size: file.size,
    url,
    proxy_url: url,
    content_type: file.mime,
    ...(file.description === undefined ? {} : { description: file.description }),
    ...(file.folder.startsWith('ephemeral') ? { ephemeral: true } : {}),
  };
}

/** As the gateway sends it: with the guild and the member, and what the intents leave of it. */
export function messageEventPayload(
  world: World,
  message: MessageRecord,
  readsContent: boolean,
): unknown {
  const channel = world.channel(message.channelId);
  const guild = world.guildOf(channel);
  const payload = readableBy(world, messagePayload(world, message), readsContent);
  if (guild === undefined) return { ...payload, channel_type: channel.type };
  const isMember = guild.members.has(message.authorId) || message.authorId === world.bot.id;
  const { user: _user, ...member } = memberPayload(world, guild, message.authorId);
  return {
    ...payload,
    channel_type: channel.type,
    guild_id: guild.id,
    ...(isMember ? { member } : {}),
  };
}

/**
 * Without the Message Content intent only its own messages, direct messages and those that mention
 * it (also by a reply's ping) keep what they say; each is judged for itself.
 */
export function readableBy(world: World, payload: APIMessage, readsContent: boolean): APIMessage {
  const { referenced_message: target } = payload;
  const inner =
    target === undefined || target === null
      ? {}
      : { referenced_message: readableBy(world, target, readsContent) };
  const readable =
    readsContent ||
    payload.author.id === world.bot.id ||
    isBotsDm(world, world.channel(payload.channel_id)) ||
    payload.mentions.some(({ id }) => id === world.bot.id);
  if (readable) return { ...payload, ...inner };
  const { message_snapshots: _snapshots, poll: _poll, ...rest } = payload;
  return { ...rest, ...inner, content: '', embeds: [], attachments: [], components: [] };
}

function metadataOf(world: World, interaction: InteractionRecord): APIMessageInteractionMetadata {
  const base = {
    id: interaction.id,
    user: userPayload(world.user(interaction.userId)),
    authorizing_integration_owners: interaction.owners,
  };
  if (interaction.type === InteractionType.MessageComponent && interaction.source !== undefined) {
    return { ...base, type: interaction.type, interacted_message_id: interaction.source.id };
  }
  return { ...base, type: InteractionType.ApplicationCommand };
}

/** The kind of a message that answers an interaction. */
export function answerType(interaction: InteractionRecord, slash: boolean): MessageType {
  if (interaction.type !== InteractionType.ApplicationCommand) return MessageType.Default;
  return slash ? MessageType.ChatInputCommand : MessageType.ContextMenuCommand;
}

export const hasFlag = (flags: number, flag: MessageFlags): boolean => (flags & flag) !== 0;
