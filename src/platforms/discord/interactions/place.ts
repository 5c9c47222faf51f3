import {
  type APIInteraction,
  type APIUser,
  ApplicationIntegrationType,
  InteractionContextType,
  PermissionFlagsBits,
} from 'discord-api-types/v10';
import type { ChatAddress, Sender } from '../../../chat/message.ts';
import { groupAddress, threadParent } from '../addresses.ts';
import { senderOf } from '../people.ts';
import { encodeReplyHandle } from '../reply-handle.ts';

/** Where an interaction comes from, and what may be said there. */
export interface Place {
  readonly chat: ChatAddress;
  readonly channelId: string;
  readonly sender: Sender;
  /** The bot is in the channel and may write there. */
  readonly canSend: boolean;
  /** The server shows answers of apps that only the user has installed to that user alone. */
  readonly onlyPrivately: boolean;
}

/** @returns undefined for what comes from no channel or from nobody */
export function placeOf(interaction: APIInteraction): Place | undefined {
  const { channel, member } = interaction;
  const user: APIUser | undefined = member?.user ?? interaction.user;
  if (channel === undefined || user === undefined) return undefined;
  const { guild_id: guildId, authorizing_integration_owners: owners } = interaction;
  const context =
    interaction.context ??
    (guildId === undefined ? InteractionContextType.BotDM : InteractionContextType.Guild);
  const parent = threadParent({
    type: channel.type,
    parent_id: 'parent_id' in channel ? channel.parent_id : null,
  });
  const isDirect = context === InteractionContextType.BotDM;
  const hasBot = owners[ApplicationIntegrationType.GuildInstall] !== undefined;
  return {
    chat: isDirect
      ? { platform: 'discord', chatId: channel.id, kind: 'direct' }
      : groupAddress(channel.id, parent, hasBot ? guildId : undefined),
    channelId: channel.id,
    sender: senderOf(user, member?.nick),
    canSend:
      isDirect ||
      (guildId !== undefined &&
        hasBot &&
        may(
          interaction.app_permissions,
          PermissionFlagsBits.ViewChannel,
          parent === null
            ? PermissionFlagsBits.SendMessages
            : PermissionFlagsBits.SendMessagesInThreads,
        )),
    onlyPrivately:
      member !== undefined &&
      !hasBot &&
      !may(member.permissions, PermissionFlagsBits.UseExternalApps),
  };
}

function may(permissions: string, ...needed: readonly bigint[]): boolean {
  const held = BigInt(permissions);
  return (
    (held & PermissionFlagsBits.Administrator) !== 0n || needed.every((bit) => (held & bit) !== 0n)
  );
}

/** What is needed to answer the interaction within its 15 minutes. */
export function replyHandleOf(
  interaction: APIInteraction,
  { canSend }: Place,
  ephemeral: boolean,
): string {
  return encodeReplyHandle({
    applicationId: interaction.application_id,
    token: interaction.token,
    interactionId: interaction.id,
    ephemeral,
    canSend,
  });
}
