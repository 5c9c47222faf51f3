/** What becomes of a turn whose platform did not take what it came to. */

import type { PlatformName } from '../chat/message.ts';
import { type Notice, PlatformError, type PlatformSender } from '../chat/platform.ts';
import type { Database } from '../db/client.ts';
import { type Log, serializeError } from '../log.ts';
import type { Mailbox } from '../queue/mailbox.ts';
import { generalText } from '../text/general.ts';
import { ELSEWHERE_PART, forgetPart, once } from './delivery.ts';
import { FenceLost, type RunningTurn, type TurnStore } from './turn-store.ts';

/** An answer that the platform does not take is kept for so long, in milliseconds. */
const PATIENCE_MS = 24 * 3_600_000;

export interface UndeliveredParts {
  readonly db: Database;
  readonly mailbox: Mailbox;
  readonly store: TurnStore;
  readonly sender: (platform: PlatformName) => PlatformSender;
  readonly log: Log;
}

/**
 * Ends the turn, puts it back into the line, or aside until its user presses "Continue".
 * @returns as `Mailbox.finish`
 */
export type Undelivered = (
  turn: RunningTurn,
  error: PlatformError,
  how: {
    readonly hasAnswer: boolean;
    /** Its place was closed while it ran. */
    readonly isClosed: boolean;
  },
) => Promise<number | undefined>;

export function createUndelivered(parts: UndeliveredParts): Undelivered {
  const { db, mailbox, store, log } = parts;

  /**
   * The platform takes no more until the user presses "Continue", which the reply may have left in
   * its place: the rest waits for that. Offered in private before it is put aside, so that a process
   * that dies in between leaves a turn that is offered again, and not one that nobody knows of.
   */
  async function putAside(turn: RunningTurn, offer: Notice): Promise<undefined> {
    const { sealedInput } = await store.read(turn);
    // Pressed meanwhile, it goes on with what that brought.
    const isPressed = Buffer.compare(sealedInput, turn.sealedInput) !== 0;
    if (!isPressed) await tellInPrivate(turn, offer);
    if (isPressed || !(await mailbox.expire(turn, turn.sealedInput))) {
      await mailbox.putBack(turn, 0);
      return;
    }
    // It may be put aside again when it was continued.
    await forgetPart(db, turn, ELSEWHERE_PART);
  }

  /** It can't stand where it was asked for: who asked is told so in private, if that is elsewhere. */
  async function giveUp(turn: RunningTurn, hasAnswer: boolean): Promise<number | undefined> {
    const { showsPrivately } = parts.sender(turn.chat.platform).traits;
    // A press brings a way to answer where it was pressed: other platforms have no such thing.
    if (turn.chat.kind === 'group' && hasAnswer && showsPrivately === 'on-request') {
      const offer = generalText.answerHasNoPlace(turn.turnId);
      if (await tellInPrivate(turn, offer)) return putAside(turn, offer);
    } else if (turn.chat.kind === 'group') {
      await tellInPrivate(turn, generalText.couldNotAnswerThere());
    }
    return mailbox.finish(turn, 'failed', null);
  }

  /**
   * Once for each turn, whichever process does it.
   * @returns whether the platform took it
   * @throws PlatformError where it may do so later
   */
  async function tellInPrivate(turn: RunningTurn, notice: Notice): Promise<boolean> {
    try {
      const sender = parts.sender(turn.chat.platform);
      await once(db, turn, ELSEWHERE_PART, () =>
        sender.notify({ chat: sender.directChat(turn) }, notice),
      );
      return true;
    } catch (error) {
      if (error instanceof FenceLost || (isRetryable(error) && !isTooLate(turn))) throw error;
      log.warn({ turnId: turn.turnId, error: serializeError(error) }, 'nobody could be told');
      return false;
    }
  }

  async function putOff(turn: RunningTurn, { retryAfterMs }: PlatformError): Promise<undefined> {
    const tries = await store.countDeliveryTry(turn);
    const backoffMs = Math.min(60_000, 1_000 * 2 ** Math.min(tries, 6));
    await mailbox.putBack(turn, Math.max(retryAfterMs, backoffMs));
  }

  async function end(...[turn, error, how]: Parameters<Undelivered>): Promise<number | undefined> {
    if (error.code === 'expired') return putAside(turn, generalText.answerTooLate(turn.turnId));
    // Who asked there is told by what closed it.
    if (how.isClosed) return mailbox.finish(turn, 'cancelled', null);
    if (isLeft(turn, error)) await mailbox.cancel({ chatIds: [turn.chatId] }, 'closed');
    if (error.retryable && !isTooLate(turn)) return putOff(turn, error);
    return giveUp(turn, how.hasAnswer);
  }

  return async (turn, error, how) => {
    try {
      return await end(turn, error, how);
    } catch (failure) {
      // Nobody could be told for now.
      if (!isRetryable(failure)) throw failure;
      return putOff(turn, failure);
    }
  };
}

/**
 * Nobody reads there any more, whether or not an event says so: what else waits there is to cost
 * nothing. Where a message brings its own way to answer, the others may have one that works.
 */
function isLeft({ chat, input }: RunningTurn, { code }: PlatformError): boolean {
  const isClosed = code === 'blocked' || code === 'gone';
  return isClosed && chat.kind === 'direct' && input.replyHandle === undefined;
}

function isTooLate({ createdAt }: RunningTurn): boolean {
  return Date.now() - createdAt.getTime() > PATIENCE_MS;
}

function isRetryable(error: unknown): error is PlatformError {
  return error instanceof PlatformError && error.retryable;
}
