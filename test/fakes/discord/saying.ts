/** What people write, change and take back. */

import { MessageType } from 'discord-api-types/v10';
import { deleteMessages, messageCreated, messageUpdated } from './events.ts';
import { linksOf, mentionsOf, NO_MENTIONS, NO_PINGS, pingsOf } from './mentions.ts';
import type { ChannelRecord, MessageRecord } from './records.ts';
import type { SayExtra } from './types.ts';
import type { World } from './world.ts';

/** Longer messages need Nitro. */
const LONGEST = 2000;

export function say(
  world: World,
  channel: ChannelRecord,
  authorId: string,
  content: string,
  extra: SayExtra = {},
): MessageRecord {
  const { replyTo, pings: pinging = true, attachments = [], fields = {} } = extra;
  mustBeThere(world, channel, authorId);
  if (content.length > LONGEST) throw new Error(`Discord sends at most ${LONGEST} characters`);
  const empty = content === '' && attachments.length === 0 && Object.keys(fields).length === 0;
  if (empty) throw new Error('Discord sends no empty messages');
  if (replyTo !== undefined && replyTo.channelId !== channel.id) {
    throw new Error('Replies stay in their channel');
  }
  const target = replyTo && world.message(replyTo.id);
  const message: MessageRecord = {
    id: world.clock.nextId(),
    channelId: channel.id,
    authorId,
    type: target === undefined ? MessageType.Default : MessageType.Reply,
    content,
    components: [],
    embeds: [],
    files: attachments.map((file) => world.addFile(file, `attachments/${channel.id}`)),
    flags: 0,
    replyTo: target && { messageId: target.id, channelId: channel.id },
    onlyFor: undefined,
    interaction: undefined,
    nonce: undefined,
    mentions: NO_MENTIONS,
    pings: NO_PINGS,
    previews: linksOf(content),
    history: [],
    editedAt: undefined,
    deleted: false,
    hasThread: false,
    fields,
  };
  name(world, message, pinging);
  channel.log.push(message);
  world.messages.set(message.id, message);
  if (channel.thread !== undefined) {
    channel.thread.archived = false;
    channel.thread.members.add(authorId);
  }
  messageCreated(world, message);
  return message;
}

export function change(world: World, message: MessageRecord, content: string): MessageRecord {
  message.history.push(message.content);
  message.content = content;
  message.previews = linksOf(content);
  message.editedAt = world.clock.iso();
  name(world, message, message.pings.repliedUser);
  messageUpdated(world, message);
  return message;
}

export function takeBack(world: World, message: MessageRecord, byId: string): void {
  if (message.authorId !== byId && message.onlyFor !== byId) {
    throw new Error('People delete their own messages; see deleteMessage');
  }
  deleteMessages(world, [message]);
}

/** @throws when the person is not in there */
export function mustBeThere(world: World, channel: ChannelRecord, userId: string): void {
  if (channel.deleted) throw new Error(`The channel ${channel.name} is deleted`);
  const guild = world.guildOf(channel);
  const inside =
    guild === undefined ? channel.recipients.includes(userId) : guild.members.has(userId);
  if (!inside && userId !== world.bot.id) {
    const who = world.user(userId).name;
    throw new Error(`${who} is not in ${guild?.name ?? 'this private channel'}`);
  }
}

function name(world: World, message: MessageRecord, pinging: boolean): void {
  const { authorId, content, replyTo } = message;
  const channel = world.channel(message.channelId);
  const repliedTo = replyTo && world.messages.get(replyTo.messageId);
  const naming = { channel, authorId, content, allowed: undefined };
  message.pings = pingsOf(world, { ...naming, repliedTo: pinging ? repliedTo : undefined });
  message.mentions = mentionsOf(message.pings, repliedTo);
}
