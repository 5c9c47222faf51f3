/** Slash commands, and commands on messages, as the core reads them. */

import {
  type APIApplicationCommandInteraction,
  type APIAttachment,
  type APIChatInputApplicationCommandInteraction,
  type APIMessageApplicationCommandInteraction,
  ApplicationCommandOptionType,
  ApplicationCommandType,
} from 'discord-api-types/v10';
import type { CommandMenu } from '../../../chat/command-menu.ts';
import type { IncomingMessage, QuotedMessage } from '../../../chat/message.ts';
import { filesOf } from '../attachments.ts';
import { argumentOf } from '../command-options.ts';
import { quotedMessage } from '../incoming.ts';
import { orderOf, timeOf } from '../snowflake.ts';
import { type Place, replyHandleOf } from './place.ts';

/** Of interest to nobody but who asks, though no secret. */
const QUIET = new Set(['start', 'help', 'privacy', 'terms', 'link', 'unlink', 'settings']);

interface Given {
  readonly name: string;
  readonly argument: string;
  readonly attachments: readonly APIAttachment[];
  readonly isPrivate: boolean;
  readonly quoted?: QuotedMessage;
}

/** @returns undefined for a command that the menu has no more: clients show those for a while */
export function givenBy(
  interaction: APIApplicationCommandInteraction,
  menu: CommandMenu,
  botId: string,
): Given | undefined {
  if (isChatInput(interaction)) {
    const { name } = interaction.data;
    const { direct, group, operators } = menu;
    const all = [...direct, ...group, ...(operators?.commands ?? [])];
    const isKnown = all.some((command) => command.name === name);
    return isKnown ? slashCommand(interaction) : undefined;
  }
  return isOnMessage(interaction) ? messageCommand(interaction, menu, botId) : undefined;
}

function isChatInput(
  interaction: APIApplicationCommandInteraction,
): interaction is APIChatInputApplicationCommandInteraction {
  return interaction.data.type === ApplicationCommandType.ChatInput;
}

function isOnMessage(
  interaction: APIApplicationCommandInteraction,
): interaction is APIMessageApplicationCommandInteraction {
  return interaction.data.type === ApplicationCommandType.Message;
}

function slashCommand({ data }: APIChatInputApplicationCommandInteraction): Given {
  const texts = new Map<string, string>();
  let isPrivate = false;
  const attachments: APIAttachment[] = [];
  for (const option of data.options ?? []) {
    if (option.type === ApplicationCommandOptionType.String) texts.set(option.name, option.value);
    if (option.type === ApplicationCommandOptionType.Boolean) isPrivate = option.value;
    if (option.type === ApplicationCommandOptionType.Attachment) {
      const attachment = data.resolved?.attachments?.[option.value];
      if (attachment !== undefined) attachments.push(attachment);
    }
  }
  return { name: data.name, argument: argumentOf(data.name, texts), attachments, isPrivate };
}

function messageCommand(
  { data }: APIMessageApplicationCommandInteraction,
  menu: CommandMenu,
  botId: string,
): Given | undefined {
  const command = menu.onMessage.find(({ label }) => label === data.name);
  const target = data.resolved.messages[data.target_id];
  if (command === undefined || target === undefined) return undefined;
  return {
    name: command.name,
    argument: '',
    attachments: [],
    isPrivate: false,
    quoted: quotedMessage(target, botId),
  };
}

/** Whether the answer is for the person alone. In the direct chat it is anyway, and stays there. */
export function isForOneAlone({ name, isPrivate, quoted }: Given, place: Place, menu: CommandMenu) {
  if (place.chat.kind === 'direct') return false;
  if (place.onlyPrivately || isPrivate) return true;
  if (quoted !== undefined) return false;
  const entry = menu.group.find((command) => command.name === name);
  return entry === undefined || entry.isPrivate === true || QUIET.has(name);
}

export function commandMessage(
  interaction: APIApplicationCommandInteraction,
  { name, argument, attachments, quoted }: Given,
  place: Place,
  ephemeral: boolean,
): IncomingMessage {
  const isDirect = place.chat.kind === 'direct';
  return {
    chat: place.chat,
    sender: place.sender,
    messageId: `interaction:${interaction.id}`,
    order: orderOf(interaction.id),
    sentAt: timeOf(interaction.id),
    text: argument,
    addressed: isDirect ? 'direct' : 'command',
    command: { name, argument },
    ...(quoted === undefined ? {} : { quoted }),
    files: filesOf(attachments, { channelId: place.channelId }),
    replyHandle: replyHandleOf(interaction, place, ephemeral),
    ...(ephemeral && !isDirect ? { answeredPrivately: true } : {}),
    // What was typed into a command stands in no message that could be deleted.
    leavesNoMessage: true,
  };
}
