/** Brings what a turn came to onto its platform. */

import { directChatButtons } from '../chat/buttons.ts';
import { type Notice, PlatformError, type PlatformSender } from '../chat/platform.ts';
import type { Reply } from '../chat/reply.ts';
import type { Database } from '../db/client.ts';
import { type Outcome, type OutcomeFacts, outcomeNotice } from '../text/outcomes.ts';
import { createDeliveryLog } from './delivery-log.ts';
import type { RunningTurn } from './turn-store.ts';

export interface DeliveryParts {
  readonly db: Database;
  readonly sender: PlatformSender;
  readonly facts: OutcomeFacts;
}

export interface Deliverable {
  /** Markdown; may be empty where there is an outcome. */
  readonly answer: string;
  readonly outcome: Outcome | null;
  /** Sentences about files that were left out and the like, shown below. */
  readonly remarks?: readonly string[];
}

export function openReply(
  { db, sender }: Pick<DeliveryParts, 'db' | 'sender'>,
  turn: RunningTurn,
): Reply {
  return sender.openReply({
    turnId: turn.turnId,
    chat: turn.chat,
    replyTo: turn.replyTo,
    deliveries: createDeliveryLog(db, turn.turnId),
  });
}

/**
 * Sends the answer with its outcome below, or the outcome alone.
 * @param reply the reply that was opened while the answer grew, if one was
 * @throws PlatformError
 */
export async function deliver(
  parts: DeliveryParts,
  turn: RunningTurn,
  what: Deliverable,
  reply: Reply | undefined,
): Promise<void> {
  const notice = what.outcome === null ? undefined : outcomeNotice(what.outcome, parts.facts);
  const buttons =
    notice?.buttons === undefined ? undefined : directChatButtons(turn.chat.kind, notice.buttons);

  const forSenderAlone =
    turn.chat.kind === 'group' && notice?.inGroups !== undefined && what.answer === '';
  if (forSenderAlone && notice.inGroups !== undefined) {
    await reply?.abandon();
    await notifyOnce(parts, turn, notice.inGroups, {
      markdown: notice.markdown,
      ...(buttons === undefined ? {} : { buttons }),
    });
    return;
  }

  const note = [notice?.markdown, ...(what.remarks ?? [])]
    .filter((s) => s !== undefined)
    .join('\n\n');
  await (reply ?? openReply(parts, turn)).finish({
    markdown: what.answer,
    ...(note === '' ? {} : { note }),
    ...(buttons === undefined ? {} : { buttons }),
  });
}

/** Part -1 of the delivery log: a notice that stands instead of a reply. */
const NOTICE_PART = -1;

async function notifyOnce(
  { db, sender }: DeliveryParts,
  turn: RunningTurn,
  publicMarkdown: string,
  notice: Notice,
): Promise<void> {
  const log = createDeliveryLog(db, turn.turnId);
  const state = await log.begin(NOTICE_PART);
  if (state.state === 'sent') return;
  try {
    const messageId = await sender.notify(
      {
        chat: turn.chat,
        replyTo: turn.replyTo,
        onlyFor: { platformUserId: turn.platformUserId, publicMarkdown },
      },
      notice,
    );
    await log.sent(NOTICE_PART, messageId ?? '');
  } catch (error) {
    if (error instanceof PlatformError && error.code !== 'unreachable')
      await log.notSent(NOTICE_PART);
    throw error;
  }
}
