/** Who may do what, in sets that servers usually give. */

import { PermissionFlagsBits as Bit } from 'discord-api-types/v10';

/** Of everybody in a new server, without what is of no matter to a bot that talks. */
export const EVERYBODY: bigint =
  Bit.ViewChannel |
  Bit.SendMessages |
  Bit.SendMessagesInThreads |
  Bit.CreatePublicThreads |
  Bit.CreatePrivateThreads |
  Bit.EmbedLinks |
  Bit.AttachFiles |
  Bit.AddReactions |
  Bit.ReadMessageHistory |
  Bit.UseApplicationCommands |
  Bit.UseExternalApps;

/** Everybody's, without the right to delete messages of others or to mention all. */
export const usualBotPermissions: bigint = EVERYBODY;

export const ALL_PERMISSIONS: bigint = Object.values(Bit).reduce((all, bit) => all | bit, 0n);
