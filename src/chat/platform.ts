/** The two ports of a platform: one takes in (ROLE=bot), one sends (ROLE=worker). */

import type { Button } from './button.ts';
import type {
  ButtonPress,
  ChatAddress,
  FileReference,
  PlatformEvent,
  PlatformName,
  Sender,
} from './message.ts';
import type { Reply, ReplyTarget } from './reply.ts';

export interface PlatformReceiver {
  readonly name: PlatformName;
  /**
   * Receives until {@link stop}. An update is acknowledged to the platform only after `handle`
   * resolved; when it throws, the platform sends the update again.
   * @returns when receiving has begun
   */
  start(handle: (event: PlatformEvent) => Promise<void>): Promise<void>;
  /** Stops taking in; resolves when what was in flight has been handled. */
  stop(): Promise<void>;
  /** Whether messages come in just now; costs nothing. */
  state(): ReceiverState;
}

export interface ReceiverState {
  readonly ok: boolean;
  /** A few words that strangers may read. */
  readonly detail?: string;
}

export type { Button };

/** A message of the bot that is no answer to a turn: a command's, a notice, a question. */
export interface Notice {
  /** Markdown; what users wrote in it is escaped with `escapeMarkdown` or `inlineCode`. */
  readonly markdown: string;
  readonly buttons?: readonly (readonly Button[])[];
  /** Comes with the text, in direct chats only; not edited. */
  readonly file?: NoticeFile;
}

export interface NoticeFile {
  /** Of Latchkey's own making: nothing that a user chose. */
  readonly name: string;
  readonly mediaType: string;
  /** At most as many as {@link PlatformTraits.maxFileBytes} says. */
  readonly bytes: Uint8Array;
  /**
   * It is shown as a picture, and said so to those who do not see it. The notice's text says the
   * same: platforms that show no pictures leave the file out.
   */
  readonly picture?: { readonly alt: string };
}

export interface NoticeTarget {
  readonly chat: ChatAddress;
  readonly replyTo?: string;
  /**
   * In groups: show it to this person alone, where the platform can; else as a short reply, for
   * which `publicMarkdown` is used (it names nothing private), with `publicButtons` where given,
   * else with the notice's own.
   */
  readonly onlyFor?: {
    readonly platformUserId: string;
    readonly publicMarkdown: string;
    readonly publicButtons?: readonly (readonly Button[])[];
  };
  /** The press that it answers, if any: platforms may need it to show something to one person. */
  readonly press?: ButtonPress;
  /** Of the message that it answers; see {@link IncomingMessage.replyHandle}. */
  readonly replyHandle?: string;
  /** Hears of each message that it takes, as it is sent: a long notice takes several. */
  readonly onSent?: (messageId: string) => void;
}

/** `refused`: the message is still there and the platform said no, or could not be reached. */
export type Deletion = 'deleted' | 'refused';

/** In what platforms differ so far that the core acts on it. */
export interface PlatformTraits {
  /** A key that was pasted into the direct chat can be deleted there, and so may be taken. */
  readonly deletesDirectMessages: boolean;
  /**
   * How something in a group is shown to one person: at once, or only in answer to a press or a
   * command of theirs, so that what answers a plain message stands behind a button.
   */
  readonly showsPrivately: 'at-once' | 'on-request';
  /**
   * Whether a message that is replied to comes with its text. `sometimes`: the platform may keep it
   * from bots, and a command on that very message (`explain`, `review`, `fix`) is the way to it.
   */
  readonly showsQuoted: 'always' | 'sometimes';
  /**
   * What is one conversation in a group outside of threads: all that is said with the bot there, or
   * each chain of replies for itself.
   */
  readonly groupConversation: 'chat' | 'replies';
  /** Whether all who are in a group read there which command somebody gives. */
  readonly showsCommands: 'to-all' | 'to-sender';
  /** The largest file that comes with a notice, in bytes. */
  readonly maxFileBytes: number;
}

export interface PlatformSender {
  readonly name: PlatformName;
  readonly traits: PlatformTraits;
  /**
   * @returns the id of the message, where it has one that can be edited
   * @throws PlatformError
   */
  notify(target: NoticeTarget, notice: Notice): Promise<string | undefined>;
  /**
   * Replaces a notice. A notice that is gone or unchanged is no error.
   * @param replyHandle of the press or message that leads to this, as in {@link NoticeTarget}
   * @param onSent hears of the messages that it takes below the one that it replaces
   * @throws PlatformError
   */
  editNotice(
    chat: ChatAddress,
    messageId: string,
    notice: Notice,
    replyHandle?: string,
    onSent?: (messageId: string) => void,
  ): Promise<void>;
  /**
   * Ends the wait that the platform shows after a press, with a short plain text if any. Never throws.
   * @param isOver the button leads nowhere any more: it goes, where it would stand for ever
   */
  answerPress(press: ButtonPress, text?: string, isOver?: boolean): Promise<void>;
  /** Never throws. */
  deleteMessage(chat: ChatAddress, messageId: string): Promise<Deletion>;
  /**
   * Deletes the bot's own messages. Never throws.
   * @returns how many are gone
   */
  deleteMessages(chat: ChatAddress, messageIds: readonly string[]): Promise<number>;
  openReply(target: ReplyTarget): Reply;
  /** @throws PlatformError, with code `too-large` where the file has more than `maxBytes` */
  download(file: FileReference, maxBytes: number): Promise<Uint8Array>;
  /** A link that opens the direct chat and sends `/start payload` there, where there is such a thing. */
  directLink?(payload: string): Promise<string>;
  /** The direct chat with a user, for notices that are nobody else's business. */
  directChat(sender: Pick<Sender, 'platformUserId'>): ChatAddress;
}

export type PlatformErrorCode =
  /** The user blocked the bot, or it was removed from the chat: final. */
  | 'blocked'
  /** The chat, topic or message is gone: final. */
  | 'gone'
  /** What {@link NoticeTarget.replyHandle} allowed is over: final, until the user presses something. */
  | 'expired'
  /** The platform refused what was sent: final for this content. */
  | 'refused'
  /** Too many requests: may be sent again after `retryAfterMs`. */
  | 'flood'
  /** The platform could not be reached or failed: may be sent again. */
  | 'unreachable'
  /** A file has more bytes than asked for: final. */
  | 'too-large';

/** A right that a bot can lack in a group. `history`: to read what was written before. */
export type MissingRight = 'send' | 'attach' | 'history' | 'delete';

/** Why a platform did not do what it was asked. Carries no token, text or payload. */
export class PlatformError extends Error {
  override readonly name = 'PlatformError';
  readonly code: PlatformErrorCode;
  /** In milliseconds; 0 where the platform did not say. */
  readonly retryAfterMs: number;
  /** With code `refused`, where a right of the bot is what it takes. */
  readonly missingRight: MissingRight | undefined;

  constructor(
    code: PlatformErrorCode,
    message: string,
    retryAfterMs = 0,
    missingRight?: MissingRight,
  ) {
    super(message);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
    this.missingRight = missingRight;
  }

  get retryable(): boolean {
    return this.code === 'flood' || this.code === 'unreachable';
  }
}
