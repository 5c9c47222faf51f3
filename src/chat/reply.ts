/** The answer to a turn, as it grows on the platform. */

import type { Button } from './button.ts';
import type { ChatAddress } from './message.ts';

export interface ReplyTarget {
  readonly turnId: number;
  readonly chat: ChatAddress;
  /** The message that is answered. */
  readonly replyTo: string;
  /** Of the message that is answered; see `IncomingMessage.replyHandle`. */
  readonly replyHandle?: string;
  /**
   * Answer in a thread that begins at the message that is answered, where the platform has threads
   * and the bot may; else in its place. Not for what has a `replyHandle`: that is answered there.
   */
  readonly opensThread?: { readonly name: string };
  /** Where the pieces of the answer are recorded, so that a restart sends none of them twice. */
  readonly deliveries: DeliveryLog;
}

/**
 * The durable record of what was sent for one turn. Part 0 is the first message of the answer (in
 * groups the placeholder that is edited), part 1 the next, and so on.
 */
export interface DeliveryLog {
  /**
   * Called before a part is sent. `unknown` means that sending began earlier (also in another
   * process) and nobody knows whether it arrived: what is sent now says that it may be a repeat.
   */
  begin(part: number): Promise<DeliveryState>;
  /** Called when the platform has taken the part. */
  sent(part: number, messageId: string): Promise<void>;
  /** Called when the platform certainly did not take the part, which may then be sent afresh. */
  notSent(part: number): Promise<void>;
}

export type DeliveryState =
  | { readonly state: 'new' }
  | { readonly state: 'unknown' }
  | { readonly state: 'sent'; readonly messageId: string };

export interface Progress {
  /** Everything that the model said so far, in Markdown; empty while it thinks. */
  readonly markdown: string;
}

export interface Answer {
  /** The whole answer in Markdown. */
  readonly markdown: string;
  /** A sentence of Latchkey's own below the answer (that it was stopped, who pays …). */
  readonly note?: string;
  readonly buttons?: readonly (readonly Button[])[];
}

export interface Reply {
  /**
   * Shows the newest state. Returns at once and never throws: states that come faster than the
   * platform takes them are dropped, and a platform that refuses previews gets none.
   * Shows by itself that the bot is at work until {@link finish} or {@link abandon}.
   */
  show(progress: Progress): void;
  /**
   * Sends the answer as lasting messages. Safe to call again, also in another process, with the
   * same answer: parts that were sent are not sent again.
   * @throws PlatformError when it could not be sent for now (`retryable`) or at all; whatever the
   * delivery log threw, when another attempt has taken the turn over
   */
  finish(answer: Answer): Promise<void>;
  /** Stops showing; the answer will be finished by another attempt, or never. Never throws. */
  abandon(): Promise<void>;
}
