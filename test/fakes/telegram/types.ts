/** What tests see of the simulator: the people, their doings, what they see, and faults. */

import type {
  Chat,
  Message,
  MessageEntity,
  MessageOrigin,
  Update,
  User,
  UserFromGetMe,
} from 'grammy/types';

export interface SimulatorOptions {
  /** `getMe.can_read_all_group_messages`: privacy mode off. Default true. */
  readonly canReadAllGroupMessages?: boolean;
  /** `getMe.has_topics_enabled`: topics in private chats. Default false. */
  readonly hasTopicsEnabled?: boolean;
  /** Enforce Telegram's rates (see `limits.ts`). Default false. */
  readonly limits?: boolean;
  /** The simulator's clock in milliseconds: dates, drafts, rates. Default `Date.now`. */
  readonly now?: () => number;
  readonly username?: string;
  /** Milliseconds before a refused webhook delivery is tried again. Default 50. */
  readonly webhookRetryMs?: number;
}

export interface NewUser {
  readonly first_name: string;
  readonly last_name?: string;
  readonly username?: string;
  readonly is_bot?: boolean;
  readonly language_code?: string;
  /** Default: the next free one. */
  readonly id?: number;
}

export interface NewGroup {
  readonly title: string;
  /** With topics; implies a supergroup. */
  readonly forum?: boolean;
  /**
   * A `group` can be migrated. Default: `supergroup` where the bot is an administrator or there
   * are topics, else `group`.
   */
  readonly type?: 'group' | 'supergroup';
  readonly members: readonly User[];
  readonly botIsAdmin?: boolean;
  /** Whether the bot, as administrator, may delete messages of others. Default: `botIsAdmin`. */
  readonly canDelete?: boolean;
  /** Default: the first of the members. */
  readonly creator?: User;
  /** Members who are administrators beside the creator. */
  readonly administrators?: readonly User[];
  /** Who is a member is told to nobody but administrators (`getChatMember` is refused). */
  readonly hidesMembers?: boolean;
}

export interface SentFile {
  readonly name: string;
  readonly mime: string;
  readonly bytes: Uint8Array;
  /** What Telegram says of the size, where it shall differ from the bytes (files over 20 MB). */
  readonly size?: number;
}

export interface SentPhoto {
  readonly bytes: Uint8Array;
  /** In pixels; default 1280 × 960. */
  readonly width?: number;
  readonly height?: number;
}

/** What more a message of a person can carry. */
export interface SayExtra {
  readonly reply_to?: Message;
  readonly message_thread_id?: number;
  readonly forward_origin?: MessageOrigin;
  readonly media_group_id?: string;
  readonly photo?: SentPhoto;
  readonly document?: SentFile;
  /** The caption of a photo or document; `text` is taken where it is absent. */
  readonly caption?: string;
  /** Unix time in seconds. */
  readonly date?: number;
  readonly sender_chat?: Chat;
  readonly is_automatic_forward?: true;
  readonly quote?: string;
  /** In groups: a command that the bot alone sees (`BotCommand.is_ephemeral`). */
  readonly ephemeral?: boolean;
  /** More entities than those that clients find by themselves (commands, mentions, links). */
  readonly entities?: readonly MessageEntity[];
  /** Any other field of a Message (a sticker, a location …). */
  readonly fields?: Partial<Message>;
}

export interface VisibleButton {
  readonly label: string;
  readonly data?: string;
  readonly url?: string;
}

export interface VisibleDraft {
  /** Empty: the person sees “Thinking…”. */
  readonly text: string;
  readonly entities: readonly MessageEntity[];
  readonly draft_id: number;
  readonly can_stop: boolean;
}

/** One request, in the order of arrival. */
export interface RecordedCall {
  readonly method: string;
  /** Files of an upload are `{name, mime, bytes}`. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** By the simulator's clock, in milliseconds. */
  readonly at: number;
  /** Entities that Telegram left out without a word: empty, or nested as it does not allow. */
  dropped?: readonly MessageEntity[];
  /** HTTP status of the answer; 0 while there is none, or when the connection was broken. */
  status: number;
  /** What Telegram says of a refusal. */
  description?: string;
}

export interface FaultRule {
  readonly method: string | RegExp;
  /** How often; default: always, until {@link TelegramSimulator.clearFaults}. */
  readonly times?: number;
  /** HTTP status and `error_code`; default 500, or 429 with `retryAfter`. */
  readonly status?: number;
  readonly description?: string;
  /** In seconds, sent as `parameters.retry_after`. */
  readonly retryAfter?: number;
  /** Never answers (until close). */
  readonly hang?: boolean;
  /** Does the work, then breaks the connection without an answer. */
  readonly dropAfter?: boolean;
  /** Breaks the connection without doing the work. */
  readonly dropBefore?: boolean;
  readonly when?: (payload: Readonly<Record<string, unknown>>) => boolean;
}

export interface CallbackAnswer {
  readonly text?: string;
  readonly show_alert: boolean;
}

export interface TelegramSimulator {
  /** For `client.apiRoot` and `TELEGRAM_API_ROOT`. */
  readonly url: string;
  /** The only token that it takes. */
  readonly token: string;
  readonly bot: UserFromGetMe;

  addUser(user: NewUser): User;
  /** The private chat of a user with the bot; the user has pressed Start there. */
  privateChat(user: User): Chat.PrivateChat;
  group(group: NewGroup): Chat.GroupChat | Chat.SupergroupChat;
  /** @returns its `message_thread_id` */
  topic(chat: Chat, name: string): number;

  /** In private chats a text over 4096 is sent as several messages; the last one is returned. */
  say(chat: Chat, from: User, text: string, extra?: SayExtra): Message;
  sendDocument(
    chat: Chat,
    from: User,
    file: SentFile & { readonly caption?: string },
    extra?: SayExtra,
  ): Message;
  sendPhoto(
    chat: Chat,
    from: User,
    photo: SentPhoto & { readonly caption?: string },
    extra?: SayExtra,
  ): Message;
  edit(message: Message, text: string): Message;
  /** @returns the callback query's update. @throws when the message shows no such button */
  press(message: Message, button: string, by: User): Update;
  /** Presses the native stop button of the newest draft. @throws when none can be stopped */
  pressStop(chat: Chat): Update;
  /** A person deletes a message: no update tells the bot. */
  remove(message: Message): void;
  block(user: User): Update;
  unblock(user: User): Update;
  /** Throws the bot out. */
  removeBot(chat: Chat): Update;
  /** A person leaves a group, without a word to the bot. */
  leave(chat: Chat, user: User): void;
  /** Makes a supergroup of a group. */
  migrate(chat: Chat): Chat.SupergroupChat;

  pushUpdate(update: Omit<Update, 'update_id'>): Update;
  /** The same update, or the update of this message, once more. */
  redeliver(of: Update | Message): void;
  /** Updates that the bot has not confirmed. */
  pendingUpdates(): readonly Update[];

  /** Lasting messages in order; deleted ones are gone; ephemeral ones only for their receiver. */
  messages(chat: Chat, view?: { readonly thread?: number; readonly as?: User }): readonly Message[];
  draft(chat: Chat, thread?: number): VisibleDraft | undefined;
  buttons(message: Message): readonly VisibleButton[];
  /** How the bot answered a press (its update, or the query's id). */
  callbackAnswer(press: Update | string): CallbackAnswer | undefined;
  /** The bytes of a file that the bot or a person sent. */
  file(fileId: string): Uint8Array | undefined;
  readonly calls: readonly RecordedCall[];
  callsOf(method: string): readonly RecordedCall[];
  /**
   * Asks again after each request and at least every 20 ms.
   * @returns the first value that is neither undefined nor false
   * @throws when there is none for `timeoutMs` (default 5000)
   */
  waitFor<T>(
    predicate: () => T | undefined | false,
    options?: { readonly timeoutMs?: number },
  ): Promise<T>;

  fail(rule: FaultRule): void;
  clearFaults(): void;
  close(): Promise<void>;
}
