/** How a thread starts. */

import { ChannelType, MessageFlags, MessageType } from 'discord-api-types/v10';
import { channelEvent } from './events.ts';
import { NO_MENTIONS, NO_PINGS } from './mentions.ts';
import type { ChannelRecord, MessageRecord } from './records.ts';
import type { World } from './world.ts';

export interface NewThreadRecord {
  readonly name: string;
  readonly ownerId: string;
  readonly from?: MessageRecord | undefined;
  readonly isPrivate?: boolean;
  readonly members?: readonly string[];
}

/** From a message it takes the message's id, and opens with a note that refers to it. */
export function startThread(
  world: World,
  parent: ChannelRecord,
  { name, ownerId, from, isPrivate = false, members = [] }: NewThreadRecord,
): ChannelRecord {
  const thread = world.addChannel({
    ...(from === undefined ? {} : { id: from.id }),
    type: isPrivate ? ChannelType.PrivateThread : ChannelType.PublicThread,
    name,
    guildId: parent.guildId,
    parentId: parent.id,
    thread: {
      ownerId,
      isPrivate,
      members: new Set([ownerId, ...members]),
      createdAt: world.clock.iso(),
      archived: false,
      locked: false,
    },
  });
  if (from !== undefined) {
    from.hasThread = true;
    from.flags |= MessageFlags.HasThread;
    const note = starterNote(world, thread, from);
    thread.log.push(note);
    world.messages.set(note.id, note);
  }
  channelEvent(world, 'CREATE', thread, { newly_created: true });
  return thread;
}

function starterNote(world: World, thread: ChannelRecord, from: MessageRecord): MessageRecord {
  return {
    id: world.clock.nextId(),
    channelId: thread.id,
    authorId: from.authorId,
    type: MessageType.ThreadStarterMessage,
    content: '',
    components: [],
    embeds: [],
    files: [],
    flags: 0,
    replyTo: { messageId: from.id, channelId: from.channelId },
    onlyFor: undefined,
    interaction: undefined,
    nonce: undefined,
    mentions: NO_MENTIONS,
    pings: NO_PINGS,
    previews: [],
    history: [],
    editedAt: undefined,
    deleted: false,
    hasThread: false,
    fields: {},
  };
}
