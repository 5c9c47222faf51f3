/** How a message of the bot comes to be, and how it changes. */

import {
  type APIMessageTopLevelComponent,
  PermissionFlagsBits as Bit,
  ComponentType,
  MessageFlags,
  MessageType,
} from 'discord-api-types/v10';
import { messageCreated, messageUpdated } from './events.ts';
import { joined, linksOf, mentionsOf, NO_MENTIONS, NO_PINGS, pingsOf } from './mentions.ts';
import { hasFlag } from './message-payload.ts';
import { botMay } from './permissions.ts';
import type { ChannelRecord, FileRecord, InteractionRecord, MessageRecord } from './records.ts';
import { emptyMessage, invalidForm, tooLarge } from './refusal.ts';
import type { Answer, MessageEdit } from './shape-message.ts';
import type { NewFile } from './types.ts';
import type { World } from './world.ts';

/** 10 MiB a file, as in servers without boosts. */
const FILE_LIMIT = 10 * 2 ** 20;

/** What a sender may set; everything else of the flags is refused. */
const SETTABLE =
  MessageFlags.SuppressEmbeds |
  MessageFlags.SuppressNotifications |
  MessageFlags.IsComponentsV2 |
  MessageFlags.Ephemeral;

export interface Post {
  readonly channel: ChannelRecord;
  readonly body: Omit<Answer, 'enforce_nonce'>;
  readonly files: readonly NewFile[];
  readonly type?: MessageType;
  readonly replyTo?: MessageRecord | undefined;
  readonly interaction?: InteractionRecord;
  /** The reader of an ephemeral message. */
  readonly onlyFor?: string | undefined;
  readonly nonce?: string | number | undefined;
  /** “… is thinking”. */
  readonly thinking?: boolean;
}

/** @throws DiscordRefusal where Discord would not take it */
export function post(world: World, options: Post): MessageRecord {
  const { channel, body, replyTo, interaction, onlyFor, thinking = false } = options;
  const flags = (body.flags ?? 0) | (thinking ? MessageFlags.Loading : 0);
  if (((body.flags ?? 0) & ~SETTABLE) !== 0) {
    throw invalidForm('flags', 'BITWISE_INVALID', 'Not all flags can be set');
  }
  const message: MessageRecord = {
    id: world.clock.nextId(),
    channelId: channel.id,
    authorId: world.bot.id,
    type: options.type ?? (replyTo === undefined ? MessageType.Default : MessageType.Reply),
    content: body.content ?? '',
    components: body.components ?? [],
    embeds: body.embeds ?? [],
    files: [],
    flags: onlyFor === undefined ? flags : flags | MessageFlags.Ephemeral,
    replyTo:
      replyTo === undefined ? undefined : { messageId: replyTo.id, channelId: replyTo.channelId },
    onlyFor,
    interaction,
    nonce: options.nonce,
    mentions: NO_MENTIONS,
    pings: NO_PINGS,
    previews: [],
    history: [],
    editedAt: undefined,
    deleted: false,
    hasThread: false,
    fields: {},
  };
  const files = newFiles(world, message, body.attachments, options.files);
  if (!thinking) check(message, files.length);
  message.files = files;
  name(world, message, body.allowed_mentions, replyTo);
  channel.log.push(message);
  world.messages.set(message.id, message);
  channel.typingUntil = 0;
  if (channel.thread !== undefined) channel.thread.archived = false;
  messageCreated(world, message);
  return message;
}

/** @throws DiscordRefusal where Discord would not take it */
export function edit(
  world: World,
  message: MessageRecord,
  body: MessageEdit,
  uploaded: readonly NewFile[],
): MessageRecord {
  const next: MessageRecord = { ...message, flags: editedFlags(message.flags, body.flags) };
  if (body.content !== undefined) next.content = body.content ?? '';
  if (body.components !== undefined) next.components = body.components ?? [];
  if (body.embeds !== undefined) next.embeds = body.embeds ?? [];
  if (body.attachments !== undefined) {
    const kept = body.attachments.map(({ id }) => String(id));
    next.files = message.files.filter(({ id }) => kept.includes(id));
  }
  next.files = [...next.files, ...newFiles(world, message, body.attachments, uploaded)];
  check(next, next.files.length);
  if (message.content !== next.content && message.content !== '') {
    message.history.push(message.content);
  }
  const { flags, content, components, embeds, files } = next;
  // What follows “is thinking” is the answer itself, and no edit of one.
  const wasThinking = hasFlag(message.flags, MessageFlags.Loading);
  Object.assign(message, { flags, content, components, embeds, files });
  if (!wasThinking) message.editedAt = world.clock.iso();
  const target = message.replyTo && world.messages.get(message.replyTo.messageId);
  name(world, message, body.allowed_mentions ?? undefined, target);
  messageUpdated(world, message);
  return message;
}

/** Of an edit: previews can go away and come again, Components V2 can only come. */
function editedFlags(before: number, asked: number | null | undefined): number {
  const answered = before & ~MessageFlags.Loading;
  if (asked === undefined || asked === null) return answered;
  const settable = MessageFlags.SuppressEmbeds | MessageFlags.IsComponentsV2;
  // Discord passes over the ephemeral flag of an edit.
  if ((asked & ~settable & ~MessageFlags.Ephemeral) !== 0) {
    throw invalidForm('flags', 'BITWISE_INVALID', 'Not all flags can be set');
  }
  const suppressed = asked & MessageFlags.SuppressEmbeds;
  return (answered & ~MessageFlags.SuppressEmbeds) | suppressed | (asked & settable);
}

function name(
  world: World,
  message: MessageRecord,
  allowed: Answer['allowed_mentions'],
  repliedTo: MessageRecord | undefined,
): void {
  const { authorId, content } = message;
  const channel = world.channel(message.channelId);
  const pings = pingsOf(world, { channel, authorId, content, allowed, repliedTo });
  message.mentions = mentionsOf(pings, repliedTo);
  message.pings = joined(message.pings, pings);
  const unfolds =
    !hasFlag(message.flags, MessageFlags.SuppressEmbeds) &&
    (message.interaction !== undefined || botMay(world, channel, Bit.EmbedLinks));
  message.previews = unfolds ? linksOf(content) : [];
}

/** Bytes that come with a message. @throws DiscordRefusal 40005, 50035 */
function newFiles(
  world: World,
  message: MessageRecord,
  listed: Answer['attachments'],
  uploaded: readonly NewFile[],
): FileRecord[] {
  if (uploaded.length > 10) {
    throw invalidForm('attachments', 'BASE_TYPE_MAX_LENGTH', 'Must be 10 or fewer in length.');
  }
  if (uploaded.some(({ bytes }) => bytes.byteLength > FILE_LIMIT)) throw tooLarge();
  const folder =
    message.onlyFor === undefined
      ? `attachments/${message.channelId}`
      : `ephemeral-attachments/${world.applicationId}`;
  const known = new Set([...uploaded.keys()].map(String));
  const kept = new Set(message.files.map(({ id }) => id));
  for (const [at, { id }] of (listed ?? []).entries()) {
    if (!known.has(String(id)) && !kept.has(String(id))) {
      throw invalidForm(
        `attachments.${at}.id`,
        'ATTACHMENT_NOT_FOUND',
        'Attachment data not found',
      );
    }
  }
  return uploaded.map((file, at) => {
    const meta = listed?.find(({ id }) => String(id) === String(at));
    return world.addFile({ ...file, name: meta?.filename ?? file.name }, folder, meta?.description);
  });
}

/** @throws DiscordRefusal 50006, 50035 */
function check(message: MessageRecord, files: number): void {
  const { content, components, embeds, flags } = message;
  if (hasFlag(flags, MessageFlags.IsComponentsV2)) {
    if (content !== '' || embeds.length > 0) {
      const text = 'The content and embeds cannot be used with MessageFlags.IS_COMPONENTS_V2';
      throw invalidForm('content', 'MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2', text);
    }
    if (textsOf(components).join('').length > 4000) {
      const text = 'The total text of all components must be 4000 or fewer in length.';
      throw invalidForm('components', 'COMPONENTS_TEXT_TOO_LONG', text);
    }
    if (components.length === 0) throw emptyMessage();
    return;
  }
  const odd = components.findIndex(({ type }) => type !== ComponentType.ActionRow);
  if (odd >= 0) {
    const text = 'Value of field "type" must be one of (1,).';
    throw invalidForm(`components.${odd}.type`, 'UNION_TYPE_CHOICES', text);
  }
  if (components.length > 5) {
    throw invalidForm('components', 'BASE_TYPE_BAD_LENGTH', 'Must be between 1 and 5 in length.');
  }
  const blank = content.trim() === '' && embeds.length === 0 && files === 0;
  if (blank) throw emptyMessage();
}

/** What Components V2 say. */
export function textsOf(components: readonly APIMessageTopLevelComponent[]): string[] {
  return components.flatMap((component) => {
    if (component.type === ComponentType.TextDisplay) return [component.content];
    if (component.type === ComponentType.Section) return textsOf(component.components);
    if (component.type === ComponentType.Container) return textsOf(component.components);
    return [];
  });
}
