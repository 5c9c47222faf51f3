/** Messages of the gateway, as the core reads them. */

import {
  type APIMessage,
  type GatewayMessageCreateDispatchData,
  type GatewayMessageUpdateDispatchData,
  MessageReferenceType,
  MessageType,
} from 'discord-api-types/v10';
import type { Addressed, IncomingMessage, QuotedMessage } from '../../chat/message.ts';
import type { Addresses } from './addresses.ts';
import { filesOf } from './attachments.ts';
import { displayName, isPerson, senderOf } from './people.ts';
import { outsideOfCode, type Readable, readableText } from './readable.ts';
import { orderOf, timeOf } from './snowflake.ts';

export type WireMessage = GatewayMessageCreateDispatchData | GatewayMessageUpdateDispatchData;

export interface Reading {
  readonly botId: string;
  /** The role that Discord made for the bot in a server: people mention it as they mention the bot. */
  readonly botRole: (guildId: string) => string | undefined;
  readonly addresses: Addresses;
  /** @returns undefined where it is gone, or not for the bot to see */
  readonly lookUpMessage: (channelId: string, id: string) => Promise<APIMessage | undefined>;
}

/**
 * Without the Message Content intent Discord leaves the words and files out of everything in a
 * server but the bot's own messages and those that mention it; a reply to the bot mentions it
 * unless its author switched that off.
 * @returns undefined for what is nobody's message, and for talk of others that can't be read
 */
export async function incomingMessage(
  wire: WireMessage,
  reading: Reading,
): Promise<IncomingMessage | undefined> {
  if (!isPerson(wire.author) || wire.webhook_id !== undefined) return undefined;
  if (wire.type !== MessageType.Default && wire.type !== MessageType.Reply) return undefined;
  const addressed = addressedBy(wire, reading);
  if (addressed === 'none' && isBlank(wire)) return undefined;
  const chat = await reading.addresses.of({ channelId: wire.channel_id, guildId: wire.guild_id });
  const forwarded = forwardOf(wire);
  const from = { channelId: wire.channel_id, messageId: wire.id };
  const quoted = addressed === 'none' ? undefined : await quotedBy(wire, reading);
  return {
    chat,
    sender: senderOf(wire.author, wire.member?.nick),
    messageId: wire.id,
    order: orderOf(wire.id),
    sentAt: timeOf(wire.id),
    text: forwarded === undefined ? textOf(wire, reading) : readableText(forwarded),
    addressed,
    ...(quoted === undefined ? {} : { quoted }),
    // Discord does not tell who wrote what is forwarded.
    ...(forwarded === undefined ? {} : { forwardedFrom: 'unknown' }),
    files: [
      ...filesOf(wire.attachments, from),
      ...(forwarded === undefined ? [] : filesOf(forwarded.attachments, from)),
    ],
  };
}

function isBlank(wire: WireMessage): boolean {
  return wire.content === '' && wire.attachments.length === 0 && forwardOf(wire) === undefined;
}

function addressedBy(wire: WireMessage, { botId, botRole }: Reading): Addressed {
  if (wire.guild_id === undefined) return 'direct';
  // What somebody else wrote does not address the bot when it is passed on.
  if (forwardOf(wire) !== undefined) return 'none';
  const role = botRole(wire.guild_id);
  const isMentioned = wire.mentions.some(({ id }) => id === botId);
  const isReply = wire.referenced_message?.author.id === botId && wire.type === MessageType.Reply;
  // A reply mentions the bot too; what tells a mention is that it stands in the text.
  if (isReply) return isMentioned || !isBlank(wire) ? 'reply' : 'none';
  if (isMentioned) return 'mention';
  return role !== undefined && wire.mention_roles.includes(role) ? 'mention' : 'none';
}

/** The text, without the mention that addressed the bot and the sign that sets it off at the beginning. */
function textOf(wire: WireMessage, { botId, botRole }: Reading): string {
  const role = wire.guild_id === undefined ? undefined : botRole(wire.guild_id);
  const mention = `<(?:@!?${botId}${role === undefined ? '' : `|@&${role}`})>`;
  const atStart = new RegExp(`^\\s*(?:${mention}\\s*[,:;]?\\s*)+`);
  const elsewhere = new RegExp(` ?${mention}`, 'g');
  const content = outsideOfCode(wire.content.replace(atStart, ''), (piece) =>
    piece.replaceAll(elsewhere, ''),
  );
  return readableText({ content, mentions: wire.mentions }).trim();
}

function forwardOf(wire: WireMessage) {
  if (wire.message_reference?.type !== MessageReferenceType.Forward) return undefined;
  return wire.message_snapshots?.[0]?.message;
}

/**
 * What the message replies to. Where Discord keeps its words from the bot, the text is empty: the
 * core then points to the command on that message, which shows it.
 */
async function quotedBy(wire: WireMessage, reading: Reading): Promise<QuotedMessage | undefined> {
  const { message_reference: reference, referenced_message: inEvent } = wire;
  if (wire.type !== MessageType.Reply || inEvent === null) return undefined;
  if (inEvent !== undefined) return quotedMessage(inEvent, reading.botId);
  if (reference?.message_id === undefined) return undefined;
  const found = await reading.lookUpMessage(reference.channel_id, reference.message_id);
  return found === undefined ? undefined : quotedMessage(found, reading.botId);
}

/** Also the target of a command on a message. */
export function quotedMessage(
  message: Readable &
    Pick<APIMessage, 'id' | 'channel_id' | 'author' | 'attachments' | 'message_snapshots'>,
  botId: string,
): QuotedMessage {
  const from = { channelId: message.channel_id, messageId: message.id };
  return {
    messageId: message.id,
    authorName: displayName(message.author),
    fromBot: message.author.id === botId,
    text: readableText(message),
    files: [
      ...filesOf(message.attachments, from),
      ...(message.message_snapshots ?? []).flatMap((snapshot) =>
        filesOf(snapshot.message.attachments, from),
      ),
    ],
  };
}
