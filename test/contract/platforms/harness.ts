/** What the contract of platforms needs of each: a person in a chat with the bot, who does and sees. */

import type { ChatAddress, IncomingMessage } from '../../../src/chat/message.ts';
import type { PlatformReceiver, PlatformSender } from '../../../src/chat/platform.ts';

/** What not every platform can do; facts that need it are named as not applicable there. */
export type Ability =
  /** Messages with line ends in them. */
  | 'lines'
  /** People change what they wrote. */
  | 'edits'
  /** A control of the platform's own to stop an answer. */
  | 'stopControl'
  /** What was shown can be replaced, by an edit or by another attempt at an answer. */
  | 'unsaying'
  /** What people wrote can be taken away, whatever came after it. */
  | 'deletion'
  /** So can the bot's own. */
  | 'takingBack'
  /** Sending can fail, and can fail without anybody knowing whether it did. */
  | 'network'
  /** What arrived unconfirmed can come to stand twice. */
  | 'doubling'
  /** An answer of which nobody knows whether it arrived is sent again. */
  | 'repeats';

export interface Seat {
  readonly receiver: PlatformReceiver;
  readonly sender: PlatformSender;
  readonly chat: ChatAddress;
  /** Another sender to the same chat, as after a restart. */
  anotherSender(): Promise<PlatformSender>;

  /** Writes to the bot. Resolves when it was sent, which is before it is received. */
  say(text: string): Promise<void>;
  /** Changes what was said last. */
  edit(text: string): void;
  press(label: string): Promise<void>;
  /** Uses the platform's own control. */
  stop(): void;
  /** All that the bot said and that stands in the chat, in order, also what grows. */
  visible(): readonly string[];
  /** Whether something that a person wrote with this text stands in the chat. */
  saidStands(text: string): boolean;

  /** Nothing can be sent any more. */
  goOffline(): void;
  comeBack(): void;
  /** What is sent next arrives, and the bot never learns of it. */
  loseNextConfirmation(): void;
}

export interface Platform {
  readonly name: string;
  /** Why it lacks an ability. */
  readonly lacks: Readonly<Partial<Record<Ability, string>>>;
  /** Why a message is for the bot. */
  readonly addressed: Record<'words' | 'command', IncomingMessage['addressed']>;
  /** What the bot says of an answer that may stand there already. */
  readonly mayBeRepeat: string;
  /** What no error and no log may hold. */
  secretsOf(seat: Seat): readonly string[];
  /** Takes a seat and closes it after the test. */
  sit(): Promise<Seat>;
}
