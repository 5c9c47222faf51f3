/** A command, for all platforms. */

import type { ButtonPress, ChatAddress, PlatformName, Sender } from '../chat/message.ts';
import type { Notice } from '../chat/platform.ts';

export interface CommandContext {
  readonly chat: ChatAddress;
  readonly sender: Sender;
  readonly userId: number;
  /** What stands behind the command, or behind the action of a button. */
  readonly argument: string;
  /** The message that held the command; absent when a button led here. */
  readonly messageId?: string;
  readonly press?: ButtonPress;
  /** The command came through a form: there is no message to delete. */
  readonly leavesNoMessage?: true;
  /**
   * Says something, after what was said before it; does not wait until it stands there.
   * In groups, to the sender alone where the platform can, else `publicMarkdown` for all.
   */
  answer(notice: Notice, publicMarkdown?: string): void;
  /** Like {@link answer}, and waits. @returns the message's id; undefined: it could not be sent */
  post(notice: Notice): Promise<string | undefined>;
  /** Replaces what {@link post} sent or what carries the pressed button; where neither is there, says it. */
  replace(notice: Notice, messageId?: string): void;
  /** The pressed button leads nowhere any more: it goes. */
  endButton(): void;
  /** Work that waits for a provider: it runs after the update was acknowledged. Told to the user when it fails. */
  later(work: () => Promise<void>): void;
}

/** Who gives a command. */
export interface CommandAccount {
  readonly platform: PlatformName;
  readonly platformUserId: string;
}

export interface Command {
  readonly name: string;
  /** One line for the platforms' menus. */
  readonly description: string;
  /** In groups, `direct` commands answer with a button that opens the direct chat. */
  readonly where: 'everywhere' | 'direct';
  /** To anybody else it is a command that does not exist, its buttons too. Absent: it is for everybody. */
  isFor?(account: CommandAccount): boolean;
  /** Its answers in groups are for the sender alone. */
  readonly isPrivate?: boolean;
  run(context: CommandContext): Promise<void>;
  /** Buttons whose action begins with the command's name and a colon. */
  press?(context: CommandContext): Promise<void>;
  /** A `direct` command was given in a group: what is to be done about it before that is said. */
  misplaced?(context: CommandContext): Promise<void>;
}

/** The number of a row out of a button's action or a link, which anybody can make up; 0 is no row's. */
export function rowId(text: string | undefined): number {
  const id = Number(text);
  return Number.isSafeInteger(id) && id > 0 ? id : 0;
}
