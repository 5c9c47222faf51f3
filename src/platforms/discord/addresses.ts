import { ChannelType } from 'discord-api-types/v10';
import type { ChatAddress } from '../../chat/message.ts';
import { Recent } from '../../chat/sending/recent.ts';

/** Threads whose parents were asked for are remembered, the newest this many. */
const REMEMBERED = 5000;

export interface Place {
  readonly channelId: string;
  /** Absent in direct messages. */
  readonly guildId?: string | undefined;
}

export interface Addresses {
  /** @throws when Discord can't be asked what an unknown channel is */
  of(place: Place): Promise<ChatAddress>;
}

export interface AddressParts {
  /** The parent of a thread; `null` for another channel; undefined for one that is not known. */
  readonly known: (channelId: string) => string | null | undefined;
  /** Asks Discord. */
  readonly lookUp: (channelId: string) => Promise<string | null>;
}

export function createAddresses({ known, lookUp }: AddressParts): Addresses {
  const remembered = new Recent<string, string | null>(REMEMBERED);

  async function parentOf(channelId: string): Promise<string | null> {
    for (const before of [known(channelId), remembered.get(channelId)]) {
      if (before !== undefined) return before;
    }
    const parent = await lookUp(channelId);
    remembered.set(channelId, parent);
    return parent;
  }

  return {
    async of({ channelId, guildId }) {
      if (guildId === undefined) return { platform: 'discord', chatId: channelId, kind: 'direct' };
      return groupAddress(channelId, await parentOf(channelId), guildId);
    },
  };
}

/** @param guildId the server, whose settings and caps are those of all its channels */
export function groupAddress(
  channelId: string,
  parent: string | null,
  guildId: string | undefined,
): ChatAddress {
  return {
    platform: 'discord',
    chatId: parent ?? channelId,
    ...(parent === null ? {} : { threadId: channelId }),
    kind: 'group',
    ...(guildId === undefined ? {} : { wholeId: guildId }),
  };
}

/** The channel that a thread belongs to; `null` for what is no thread. */
export function threadParent(channel: {
  readonly type: ChannelType;
  readonly parent_id?: string | null | undefined;
}): string | null {
  switch (channel.type) {
    case ChannelType.PublicThread:
    case ChannelType.PrivateThread:
    case ChannelType.AnnouncementThread:
      return channel.parent_id ?? null;
    default:
      return null;
  }
}
