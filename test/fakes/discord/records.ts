/** What the simulator remembers. */

import type {
  APIEmbed,
  APIMessage,
  APIMessageTopLevelComponent,
  ChannelType,
  InteractionType,
  MessageType,
} from 'discord-api-types/v10';
import type { Modal } from './types.ts';
import type { AckKind, Pings } from './types-seen.ts';

export interface UserRecord {
  readonly id: string;
  readonly name: string;
  readonly bot: boolean;
  readonly locale: string;
  installed: boolean;
  /** Takes no direct messages of the bot. */
  blocks: boolean;
}

export interface RoleRecord {
  readonly id: string;
  readonly name: string;
  readonly mentionable: boolean;
  readonly managed: boolean;
  permissions: bigint;
  readonly members: Set<string>;
}

export interface GuildRecord {
  readonly id: string;
  readonly name: string;
  readonly ownerId: string;
  /** Ids of users, with ISO times of their joining; the bot is not among them. */
  readonly members: Map<string, string>;
  readonly roles: Map<string, RoleRecord>;
  readonly externalApps: boolean;
  hasBot: boolean;
  botPermissions: bigint;
}

export interface ThreadRecord {
  readonly ownerId: string;
  readonly isPrivate: boolean;
  readonly members: Set<string>;
  readonly createdAt: string;
  archived: boolean;
  locked: boolean;
}

export interface ChannelRecord {
  readonly id: string;
  readonly type: ChannelType;
  name: string;
  readonly guildId: string | undefined;
  readonly parentId: string | undefined;
  /** Of private channels, without the bot. */
  readonly recipients: readonly string[];
  readonly thread: ThreadRecord | undefined;
  readonly log: MessageRecord[];
  botPermissions: bigint | undefined;
  deleted: boolean;
  /** Until when the bot shows as typing, in milliseconds. */
  typingUntil: number;
}

export interface FileRecord {
  readonly id: string;
  readonly name: string;
  readonly mime: string;
  readonly bytes: Uint8Array;
  readonly size: number;
  readonly description: string | undefined;
  /** `attachments/<channel>` or `ephemeral-attachments/<application>`. */
  readonly folder: string;
}

export interface MessageRecord {
  readonly id: string;
  readonly channelId: string;
  readonly authorId: string;
  readonly type: MessageType;
  content: string;
  components: readonly APIMessageTopLevelComponent[];
  embeds: readonly APIEmbed[];
  files: readonly FileRecord[];
  flags: number;
  readonly replyTo: { readonly messageId: string; readonly channelId: string } | undefined;
  /** The one person who sees an ephemeral message. */
  readonly onlyFor: string | undefined;
  /** The interaction that it answers. */
  readonly interaction: InteractionRecord | undefined;
  readonly nonce: string | number | undefined;
  mentions: Mentions;
  pings: Pings;
  previews: readonly string[];
  readonly history: string[];
  editedAt: string | undefined;
  deleted: boolean;
  /** The thread that started from it has its id. */
  hasThread: boolean;
  readonly fields: Partial<APIMessage>;
}

/** Whom a message names so that they are shown it. */
export interface Mentions {
  readonly users: readonly string[];
  readonly roles: readonly string[];
  readonly everyone: boolean;
}

export interface InteractionRecord {
  readonly id: string;
  readonly token: string;
  readonly type: InteractionType;
  readonly channelId: string;
  readonly userId: string;
  readonly createdAt: number;
  /** The slash command or the command of the context menu. */
  readonly commandName: string | undefined;
  /** The message with the pressed component; of a modal, of the press that opened it. */
  readonly source: MessageRecord | undefined;
  /** By `ApplicationIntegrationType`. */
  readonly owners: Readonly<Record<string, string>>;
  /** Whether the bot is a member of the guild, or this is its DM: no bounds of user installs. */
  readonly guildInstalled: boolean;
  /** Answers are ephemeral whatever the bot asks for. */
  readonly forcedEphemeral: boolean;
  ack: { readonly kind: AckKind; readonly at: number } | undefined;
  modal: Modal | undefined;
  choices: readonly { readonly name: string; readonly value: string | number }[] | undefined;
  original: MessageRecord | undefined;
  readonly followUps: MessageRecord[];
  edits: number;
}
