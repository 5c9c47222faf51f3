/** The one shape in which every platform's messages reach the core. */

export type PlatformName = 'telegram' | 'discord' | 'terminal';

/** Where a message comes from: a direct message, a group, or a thread (topic) of a group. */
export interface ChatAddress {
  readonly platform: PlatformName;
  /** The platform's id of the chat, as text. */
  readonly chatId: string;
  /** The platform's id of the thread or topic; absent in a chat without one. */
  readonly threadId?: string;
  /** The platform's id of the server that the chat is a channel of; /chat sets things for all of it. */
  readonly wholeId?: string;
  readonly kind: 'direct' | 'group';
}

/** A person on a platform. Bots, channels and anonymous administrators never become one. */
export interface Sender {
  readonly platformUserId: string;
  /** As the person chose it: untrusted, shown and sent on as data only. */
  readonly displayName: string;
}

/** A file of a message, not yet fetched: workers fetch it with {@link PlatformSender.download}. */
export interface FileReference {
  /** Whatever the platform needs to fetch the file; may be stored. */
  readonly id: string;
  readonly kind: 'text' | 'image' | 'other';
  /** Untrusted. */
  readonly name: string;
  readonly mediaType: string;
  /** In bytes, as the platform says; absent where it does not. */
  readonly size?: number;
}

/** What somebody else (or the bot) said, to which this message replies. */
export interface QuotedMessage {
  readonly messageId: string;
  /** Untrusted. */
  readonly authorName: string;
  readonly fromBot: boolean;
  readonly text: string;
  readonly files: readonly FileReference[];
}

/**
 * Why a message is for the bot: in a direct chat always `direct`, commands too. `none` is other
 * people's talk.
 */
export type Addressed = 'direct' | 'mention' | 'reply' | 'command' | 'none';

export interface IncomingMessage {
  readonly chat: ChatAddress;
  readonly sender: Sender;
  /** Unique in its chat. */
  readonly messageId: string;
  /** Orders messages that the platform dated alike: the platform's numeric message id. */
  readonly order: number;
  /** The platform's own date. */
  readonly sentAt: Date;
  /** Text or caption, without the mention that addressed the bot and without the command. */
  readonly text: string;
  readonly addressed: Addressed;
  /** A command and its argument: `/model gpt-5` is `{name: 'model', argument: 'gpt-5'}`. */
  readonly command?: { readonly name: string; readonly argument: string };
  readonly quoted?: QuotedMessage;
  /** Set when the message was forwarded: the original author's name, untrusted. */
  readonly forwardedFrom?: string;
  readonly files: readonly FileReference[];
  /**
   * Set when further messages may belong to this one (album, split text, comment with forward):
   * messages of one sender and chat with the same key become one turn, which starts `waitMs`
   * after the last of them.
   */
  readonly merge?: { readonly key: string; readonly waitMs: number };
  /**
   * What the platform needs, beside the ids, to answer this message (Discord: the token of an
   * interaction, good for 15 minutes). As secret as it is short-lived: stored only sealed.
   */
  readonly replyHandle?: string;
  /** Set when no message of the platform holds the text (it came through a form): there is none to delete. */
  readonly leavesNoMessage?: true;
  /**
   * Set when nobody but the sender sees the answer, and the platform keeps it for nobody: in a group
   * it is never context for others, and there is nothing to delete.
   */
  readonly answeredPrivately?: true;
}

/** A press of one of the bot's buttons. */
export interface ButtonPress {
  readonly chat: ChatAddress;
  readonly sender: Sender;
  /** What {@link Button.action} said: at most 64 bytes; never trusted to come from a button. */
  readonly action: string;
  /** The platform's id of the press, to answer it. */
  readonly pressId: string;
  /** The message that carries the button; absent when the platform no longer knows it. */
  readonly messageId?: string;
  /** As {@link IncomingMessage.replyHandle}. */
  readonly replyHandle?: string;
}

/** Everything that a platform tells the core. */
export type PlatformEvent =
  | { readonly type: 'message'; readonly message: IncomingMessage }
  | { readonly type: 'edit'; readonly message: IncomingMessage }
  | { readonly type: 'button'; readonly press: ButtonPress }
  /** The platform's own stop control for the reply to a turn (or for whatever runs in the chat). */
  | { readonly type: 'stop'; readonly chat: ChatAddress; readonly turnId?: number }
  /** A message was deleted by a person: what waits for an answer to it is cancelled. */
  | { readonly type: 'deleted'; readonly chat: ChatAddress; readonly messageId: string }
  | { readonly type: 'migrated'; readonly from: ChatAddress; readonly to: ChatAddress }
  /** The user blocked the bot, or it was removed from a group. */
  | { readonly type: 'closed'; readonly chat: ChatAddress };

/** `telegram:-100123/45`: stable, for keys and logs. */
export function chatKey(chat: ChatAddress): string {
  const thread = chat.threadId === undefined ? '' : `/${chat.threadId}`;
  return `${chat.platform}:${chat.chatId}${thread}`;
}
