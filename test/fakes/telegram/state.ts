/** What the simulated Telegram knows: people, chats, messages, files. No rules, no HTTP. */

import type { Chat, Message, MessageEntity, User, UserFromGetMe } from 'grammy/types';
import type { UploadedFile } from './params.ts';
import type { NewGroup, NewUser } from './types.ts';

export type LiveChat = Chat.PrivateChat | Chat.GroupChat | Chat.SupergroupChat;
export type LiveMessage = Message & { chat: LiveChat; from: User };

export interface StoredMessage {
  /** Replaced, never changed. */
  current: LiveMessage;
  readonly outgoing: boolean;
  readonly service: boolean;
  /** The one person who sees an ephemeral message (its receiver or, to the bot, its sender). */
  readonly onlyFor?: number;
  deleted: boolean;
}

export interface Draft {
  readonly text: string;
  readonly entities: readonly MessageEntity[];
  readonly draftId: number;
  readonly canStop: boolean;
  readonly keepOnStop: boolean;
  /** By the simulator's clock, in milliseconds. */
  readonly updatedAt: number;
}

export interface ChatRecord {
  readonly chat: LiveChat;
  readonly log: StoredMessage[];
  readonly members: Map<number, User>;
  readonly creator: User;
  readonly administrators: readonly User[];
  readonly hidesMembers: boolean;
  /** In private chats `kicked` means that the user blocked the bot. */
  bot: 'member' | 'administrator' | 'kicked' | 'left';
  readonly botCanDelete: boolean;
  migratedTo?: number;
  /** Service messages that opened the topics, by `message_thread_id`. */
  readonly topics: Map<number, StoredMessage>;
  /** By `message_thread_id`, 0 outside topics. */
  readonly drafts: Map<number, Draft>;
  /** Drafts whose stop button was pressed: what comes for them later is not shown. */
  readonly stoppedDrafts: Set<number>;
  lastMessageId: number;
  lastEphemeralId: number;
}

export interface StoredFile extends UploadedFile {
  readonly id: string;
  readonly uniqueId: string;
  /** As Telegram states it, in bytes. */
  readonly size: number;
  readonly path: string;
}

export interface PendingPress {
  readonly chatId: number;
  readonly userId: number;
  readonly at: number;
  answer?: { readonly text?: string; readonly show_alert: boolean };
}

/** How long a draft is shown after its last change, in milliseconds. */
export const DRAFT_LIFETIME = 30_000;

export class World {
  readonly bot: UserFromGetMe;
  readonly now: () => number;
  readonly users = new Map<number, User>();
  readonly chats = new Map<number, ChatRecord>();
  readonly files = new Map<string, StoredFile>();
  readonly presses = new Map<string, PendingPress>();
  /** Command lists by scope and language. */
  readonly commands = new Map<string, readonly { command: string; description: string }[]>();
  #lastUserId = 100_000_000;
  #lastGroupId = 4_000_000_000;
  #lastSupergroupId = 1_001_000_000_000;
  /** Private chats and basic groups count their messages together, supergroups each for itself. */
  #lastMessageId = 100;
  #lastFile = 0;

  constructor(bot: UserFromGetMe, now: () => number) {
    this.bot = bot;
    this.now = now;
  }

  /** The bot as it appears in messages. */
  get botUser(): User {
    const { id, first_name, username } = this.bot;
    return { id, is_bot: true, first_name, username };
  }

  /** Unix time in seconds. */
  date(): number {
    return Math.floor(this.now() / 1000);
  }

  addUser({ id, is_bot = false, ...names }: NewUser): User {
    this.#lastUserId += 1;
    const user: User = { id: id ?? this.#lastUserId, is_bot, ...names };
    this.users.set(user.id, user);
    return user;
  }

  privateChat(user: User): ChatRecord {
    const known = this.chats.get(user.id);
    if (known !== undefined) return known;
    const { id, first_name, last_name, username } = user;
    return this.#addChat(
      {
        id,
        type: 'private',
        first_name,
        ...(last_name === undefined ? {} : { last_name }),
        ...(username === undefined ? {} : { username }),
      },
      {
        members: [user],
        creator: user,
        bot: 'member',
        botCanDelete: false,
        administrators: [],
        hidesMembers: false,
      },
    );
  }

  group(group: NewGroup): ChatRecord {
    const { title, members, botIsAdmin = false, canDelete = botIsAdmin } = group;
    const creator = group.creator ?? members[0] ?? this.addUser({ first_name: `${title}'s owner` });
    // Giving an administrator rights of its own makes Telegram's apps turn a group into a supergroup.
    const special = group.forum === true || botIsAdmin || canDelete;
    const type = group.type ?? (special ? 'supergroup' : 'group');
    const chat: LiveChat =
      type === 'group'
        ? { id: this.#newGroupId(), type, title }
        : {
            id: this.newSupergroupId(),
            type,
            title,
            ...(group.forum === true ? { is_forum: true } : {}),
          };
    return this.#addChat(chat, {
      members: [creator, ...members, ...(group.administrators ?? [])],
      creator,
      administrators: group.administrators ?? [],
      hidesMembers: group.hidesMembers ?? false,
      bot: botIsAdmin ? 'administrator' : 'member',
      botCanDelete: canDelete,
    });
  }

  /** A supergroup with everybody who is in the group. */
  supergroupOf(old: ChatRecord, title: string): ChatRecord {
    const chat: LiveChat = { id: this.newSupergroupId(), type: 'supergroup', title };
    const { creator, administrators, hidesMembers, bot, botCanDelete } = old;
    const members = [...old.members.values()];
    return this.#addChat(chat, {
      members,
      creator,
      administrators,
      hidesMembers,
      bot,
      botCanDelete,
    });
  }

  #newGroupId(): number {
    this.#lastGroupId += 1;
    return -this.#lastGroupId;
  }

  newSupergroupId(): number {
    this.#lastSupergroupId += 1;
    return -this.#lastSupergroupId;
  }

  #addChat(
    chat: LiveChat,
    details: Pick<
      ChatRecord,
      'creator' | 'administrators' | 'hidesMembers' | 'bot' | 'botCanDelete'
    > & {
      readonly members: readonly User[];
    },
  ): ChatRecord {
    const record: ChatRecord = {
      ...details,
      chat,
      members: new Map(details.members.map((user) => [user.id, user])),
      log: [],
      topics: new Map(),
      drafts: new Map(),
      stoppedDrafts: new Set(),
      // Message 1 of a supergroup says that it was made.
      lastMessageId: 1,
      lastEphemeralId: 7_000,
    };
    this.chats.set(chat.id, record);
    return record;
  }

  nextMessageId(record: ChatRecord): number {
    if (record.chat.type === 'supergroup') {
      record.lastMessageId += 1;
      return record.lastMessageId;
    }
    this.#lastMessageId += 1;
    return this.#lastMessageId;
  }

  nextEphemeralId(record: ChatRecord): number {
    record.lastEphemeralId += 1;
    return record.lastEphemeralId;
  }

  /** A lasting message that was not deleted. */
  findMessage(record: ChatRecord, messageId: number): StoredMessage | undefined {
    return record.log.find(
      (stored) =>
        !stored.deleted && stored.onlyFor === undefined && stored.current.message_id === messageId,
    );
  }

  findEphemeral(record: ChatRecord, id: number, userId: number): StoredMessage | undefined {
    return record.log.find(
      (stored) =>
        !stored.deleted && stored.onlyFor === userId && stored.current.ephemeral_message_id === id,
    );
  }

  /** The draft that is shown now. */
  draft(record: ChatRecord, thread = 0): Draft | undefined {
    const draft = record.drafts.get(thread);
    if (draft === undefined || record.stoppedDrafts.has(draft.draftId)) return undefined;
    return this.now() - draft.updatedAt > DRAFT_LIFETIME ? undefined : draft;
  }

  addFile(kind: 'documents' | 'photos', file: UploadedFile, size = file.bytes.length): StoredFile {
    this.#lastFile += 1;
    const extension = /\.\w{1,8}$/.exec(file.name)?.[0] ?? (kind === 'photos' ? '.jpg' : '');
    const stored: StoredFile = {
      ...file,
      size,
      id: `${kind === 'photos' ? 'AgACAgIAAxkB' : 'BQACAgIAAxkB'}${this.bot.id}_${this.#lastFile}`,
      uniqueId: `AgAD${this.#lastFile}`,
      path: `${kind}/file_${this.#lastFile}${extension}`,
    };
    this.files.set(stored.id, stored);
    return stored;
  }
}

/** The fields of a message that carries this document. */
export function documentFields(file: StoredFile): Pick<Message, 'document'> {
  return {
    document: {
      file_id: file.id,
      file_unique_id: file.uniqueId,
      file_name: file.name,
      mime_type: file.mime,
      file_size: file.size,
    },
  };
}

/** A message as another one shows that it replies to it. */
export function asReplied(message: LiveMessage): NonNullable<Message['reply_to_message']> {
  const { reply_to_message: _, ...rest } = message;
  // The library's type asks for a field that is both absent and undefined.
  return rest as NonNullable<Message['reply_to_message']>;
}
