/** A sender on a simulator, with times that suit tests, and interactions as a receiver hands them on. */

import {
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
  InteractionContextType,
  InteractionResponseType,
  MessageFlags,
  Routes,
} from 'discord-api-types/v10';
import { onTestFinished } from 'vitest';
import type { ButtonPress, ChatAddress } from '../../../src/chat/message.ts';
import type { ReplyTarget } from '../../../src/chat/reply.ts';
import {
  encodeReplyHandle,
  type ReplyHandle,
} from '../../../src/platforms/discord/reply-handle.ts';
import { createRest } from '../../../src/platforms/discord/rest.ts';
import { createDiscordSender, type SendingTimes } from '../../../src/platforms/discord/sender.ts';
import { Secret } from '../../../src/secret.ts';
import {
  type FakeChannel,
  type FakeDiscord,
  type FakeDiscordOptions,
  type FakeUser,
  type SeenInteraction,
  type SeenMessage,
  startFakeDiscord,
} from '../../fakes/discord.ts';
import { memoryLog } from '../../support/memory-log.ts';

export const TIMES: SendingTimes = {
  delayMs: 10,
  placeholderDelayMs: 20,
  editEveryMs: 30,
  typingEveryMs: 8000,
  answerBudgetMs: 3000,
  noticeBudgetMs: 3000,
  deletionBudgetMs: 1000,
  downloadMs: 2000,
  retryMs: 20,
};

export function collectingLog() {
  const lines: string[] = [];
  const add = (data: object, message: string) => {
    lines.push(`${message} ${JSON.stringify(data)}`);
  };
  return { lines, info: add, warn: add, error: add };
}

export function sending(discord: FakeDiscord, times: Partial<SendingTimes> = {}) {
  const log = collectingLog();
  const rest = createRest({ token: new Secret(discord.token), apiRoot: discord.apiRoot });
  const sender = createDiscordSender({
    rest,
    apiRoot: discord.apiRoot,
    log,
    times: { ...TIMES, ...times },
    now: () => discord.now(),
  });
  return { rest, sender, log };
}

/** Ann and Ben in a server with a channel and a thread, and Ann's direct chat. */
export async function people(options: FakeDiscordOptions = { rates: false }) {
  const discord = await startFakeDiscord(options);
  onTestFinished(() => discord.close());
  const ann = discord.addUser({ name: 'ann' });
  const ben = discord.addUser({ name: 'ben' });
  const guild = discord.addGuild({ name: 'Garden', members: [ann, ben] });
  const channel = discord.addChannel(guild, { name: 'general' });
  const thread = discord.addThread(channel, { name: 'a thread' });
  const direct = discord.dm(ann);
  return { discord, ann, ben, guild, channel, thread, direct };
}

export function addressOf(channel: FakeChannel): ChatAddress {
  if (channel.kind === 'dm') return { platform: 'discord', chatId: channel.id, kind: 'direct' };
  return channel.parentId === undefined
    ? { platform: 'discord', chatId: channel.id, kind: 'group' }
    : { platform: 'discord', chatId: channel.parentId, threadId: channel.id, kind: 'group' };
}

/** What people see of the bot, in order. */
export const said = (discord: FakeDiscord, channel: FakeChannel, as?: FakeUser): SeenMessage[] =>
  discord
    .messages(channel, as === undefined ? {} : { as })
    .filter(({ fromBot, thinking }) => fromBot && !thinking);

export const contents = (discord: FakeDiscord, channel: FakeChannel, as?: FakeUser): string[] =>
  said(discord, channel, as).map(({ content }) => content);

const ASK = {
  name: 'ask',
  description: 'Asks',
  type: ApplicationCommandType.ChatInput,
  options: [{ name: 'prompt', description: 'What', type: ApplicationCommandOptionType.String }],
  integration_types: [
    ApplicationIntegrationType.GuildInstall,
    ApplicationIntegrationType.UserInstall,
  ],
  contexts: [
    InteractionContextType.Guild,
    InteractionContextType.BotDM,
    InteractionContextType.PrivateChannel,
  ],
};

export interface Asked {
  readonly interaction: SeenInteraction;
  readonly replyTo: string;
  readonly replyHandle: string;
}

export interface Acknowledging {
  readonly ephemeral?: boolean;
  readonly canSend?: boolean;
}

type Bot = Pick<ReturnType<typeof sending>, 'rest'>;

/** Somebody's `/ask`, deferred as a receiver does it. */
export async function asks(
  discord: FakeDiscord,
  { rest }: Bot,
  who: FakeUser,
  where: FakeChannel,
  { ephemeral = false, canSend = true }: Acknowledging = {},
): Promise<Asked> {
  if (discord.commands.length === 0) {
    await rest.bot.put(Routes.applicationCommands(discord.applicationId), { body: [ASK] });
  }
  const interaction = who.slash('ask', { prompt: 'why?' }, where);
  await rest.interactions.post(Routes.interactionCallback(interaction.id, interaction.token), {
    auth: false,
    body: {
      type: InteractionResponseType.DeferredChannelMessageWithSource,
      data: ephemeral ? { flags: MessageFlags.Ephemeral } : {},
    },
  });
  const replyHandle = handleOf(discord, interaction, { ephemeral, canSend });
  return { interaction, replyTo: `interaction:${interaction.id}`, replyHandle };
}

/** Somebody's press of a button, acknowledged. */
export async function presses(
  discord: FakeDiscord,
  { rest }: Bot,
  who: FakeUser,
  message: SeenMessage,
  button: string,
  options: Acknowledging = {},
): Promise<{ interaction: SeenInteraction; press: ButtonPress; replyHandle: string }> {
  const interaction = who.presses(message, button);
  await rest.interactions.post(Routes.interactionCallback(interaction.id, interaction.token), {
    auth: false,
    body: { type: InteractionResponseType.DeferredMessageUpdate },
  });
  const { ephemeral = message.ephemeral, canSend = true } = options;
  const replyHandle = handleOf(discord, interaction, { ephemeral, canSend });
  const press: ButtonPress = {
    chat: addressOf(discord.channel(interaction.channelId)),
    sender: { platformUserId: who.id, displayName: who.name },
    action: 'pressed',
    pressId: interaction.id,
    messageId: message.id,
    replyHandle,
  };
  return { interaction, press, replyHandle };
}

function handleOf(
  discord: FakeDiscord,
  { id, token }: SeenInteraction,
  how: Pick<ReplyHandle, 'ephemeral' | 'canSend'>,
): string {
  const { applicationId } = discord;
  return encodeReplyHandle({ applicationId, token, interactionId: id, ...how });
}

export function target(
  channel: FakeChannel,
  replyTo: string,
  fields: Partial<ReplyTarget> = {},
): ReplyTarget {
  return {
    turnId: 31,
    chat: addressOf(channel),
    replyTo,
    deliveries: memoryLog().deliveries,
    ...fields,
  };
}
