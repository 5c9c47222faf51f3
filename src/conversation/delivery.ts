/** Brings what a turn came to onto its platform. */

import { directChatButtons } from '../chat/buttons.ts';
import {
  type Notice,
  type NoticeTarget,
  PlatformError,
  type PlatformSender,
} from '../chat/platform.ts';
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
  /** What the answer cost; stands last. */
  readonly costNote?: string | undefined;
}

export function openReply(
  { db, sender }: Pick<DeliveryParts, 'db' | 'sender'>,
  turn: RunningTurn,
): Reply {
  return sender.openReply({
    turnId: turn.turnId,
    chat: turn.chat,
    replyTo: turn.replyTo,
    ...(turn.rules.answersIn === 'threads' && turn.chat.threadId === undefined
      ? { inThread: true as const }
      : {}),
    deliveries: createDeliveryLog(db, turn),
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
  const offered =
    what.outcome === 'consent-needed'
      ? [[{ label: 'Decide in private', directChat: `consent-${turn.turnId}` }]]
      : notice?.buttons;
  const buttons = offered === undefined ? undefined : directChatButtons(turn.chat.kind, offered);

  const inGroup = turn.chat.kind === 'group' && what.answer === '' ? notice?.inGroups : undefined;
  if (notice !== undefined && inGroup !== undefined) {
    const forSender = { ...notice, ...(buttons === undefined ? {} : { buttons }) };
    if (!notice.inDirectChat) {
      await notifyOnce(parts, turn, forSender, {
        chat: turn.chat,
        replyTo: turn.replyTo,
        onlyFor: { platformUserId: turn.platformUserId, publicMarkdown: inGroup },
      });
      return;
    }
    await (reply ?? openReply(parts, turn)).finish({ markdown: '', note: inGroup });
    await notifyOnce(
      parts,
      turn,
      { ...notice, buttons: directChatButtons('direct', notice.buttons ?? []) },
      { chat: parts.sender.directChat(turn) },
    );
    return;
  }

  const notes = [notice?.markdown, what.costNote].filter((note) => note !== undefined);
  await (reply ?? openReply(parts, turn)).finish({
    markdown: what.answer,
    ...(notes.length === 0 ? {} : { note: notes.join('\n\n') }),
    ...(buttons === undefined ? {} : { buttons }),
  });
}

/** Part -1 of the delivery log: a notice that stands instead of a reply. */
const NOTICE_PART = -1;

async function notifyOnce(
  { db, sender }: DeliveryParts,
  turn: RunningTurn,
  notice: Notice,
  target: NoticeTarget,
): Promise<void> {
  const log = createDeliveryLog(db, turn);
  const state = await log.begin(NOTICE_PART);
  if (state.state === 'sent') return;
  try {
    const messageId = await sender.notify(target, notice);
    await log.sent(NOTICE_PART, messageId ?? '');
  } catch (error) {
    if (error instanceof PlatformError && error.code !== 'unreachable') {
      await log.notSent(NOTICE_PART);
    }
    throw error;
  }
}
