/** Brings what a turn came to onto its platform. */

import { directChatButtons } from '../chat/buttons.ts';
import { PlatformError, type PlatformSender } from '../chat/platform.ts';
import type { PrivateNotices } from '../chat/private-notices.ts';
import type { Reply } from '../chat/reply.ts';
import type { Database } from '../db/client.ts';
import { and, eq } from '../db/drizzle.ts';
import { deliveries } from '../db/schema.ts';
import {
  type Outcome,
  type OutcomeFacts,
  type OutcomeNotice,
  outcomeNotice,
  TOLD_IN_DIRECT_CHAT,
} from '../text/outcomes.ts';
import { createDeliveryLog } from './delivery-log.ts';
import type { RunningTurn } from './turn-store.ts';

export interface DeliveryParts {
  readonly db: Database;
  readonly sender: PlatformSender;
  readonly privateNotices: PrivateNotices;
  readonly facts: OutcomeFacts;
}

export interface Deliverable {
  /** Markdown; may be empty where there is an outcome. */
  readonly answer: string;
  readonly outcome: Outcome | null;
  /** Who pays from now on, and what the answer cost; stands last. */
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
      ? { opensThread: { name: threadName(turn) } }
      : {}),
    ...handleOf(turn),
    deliveries: createDeliveryLog(db, turn),
  });
}

/** What a thread of its own is called: how the question begins. The platform cuts it. */
function threadName({ input }: RunningTurn): string {
  const said = input.parts.map((part) => part.text.trim()).find((text) => text !== '');
  return said?.split('\n')[0]?.slice(0, 80) ?? '';
}

function handleOf({ input }: RunningTurn): { readonly replyHandle?: string } {
  return input.replyHandle === undefined ? {} : { replyHandle: input.replyHandle };
}

/**
 * Sends the answer with its outcome below, or the outcome alone. In groups, what an outcome says of
 * keys, usage and allowance reaches the sender alone.
 * @param reply the reply that was opened while the answer grew, if one was
 * @throws PlatformError
 */
export async function deliver(
  parts: DeliveryParts,
  turn: RunningTurn,
  what: Deliverable,
  reply: Reply | undefined,
): Promise<void> {
  const notice = what.outcome === null ? undefined : noticeOf(what.outcome, turn, parts.facts);
  const isSeenByAll = turn.chat.kind === 'group' && !turn.isPrivate;
  if (notice?.inGroups !== undefined && isSeenByAll) {
    await deliverPrivately(
      parts,
      turn,
      what.answer,
      { ...notice, inGroups: notice.inGroups },
      reply,
    );
    return;
  }
  const buttons = directChatButtons(turn.chat.kind, notice?.buttons ?? []);
  const notes = [notice?.markdown, what.costNote].filter((note) => note !== undefined);
  await (reply ?? openReply(parts, turn)).finish({
    markdown: what.answer,
    ...(notes.length === 0 ? {} : { note: notes.join('\n\n') }),
    ...(buttons.length === 0 ? {} : { buttons }),
  });
}

/** Turns that wait for a decision of who asked. */
const DECISIONS: Partial<Record<Outcome, { readonly label: string; readonly command: string }>> = {
  'consent-needed': { label: 'Decide in private', command: 'consent' },
  'payer-needed': { label: 'Choose who pays', command: 'pay' },
};

function noticeOf(outcome: Outcome, turn: RunningTurn, facts: OutcomeFacts): OutcomeNotice {
  const notice = outcomeNotice(outcome, facts);
  const button = DECISIONS[outcome];
  if (button === undefined) return notice;
  const { label, command } = button;
  return { ...notice, buttons: [[{ label, directChat: `${command}-${turn.turnId}` }]] };
}

/** Everybody sees the answer, if there is one, and a sentence that tells nothing. */
async function deliverPrivately(
  parts: DeliveryParts,
  turn: RunningTurn,
  answer: string,
  notice: OutcomeNotice & { readonly inGroups: string },
  reply: Reply | undefined,
): Promise<void> {
  const { sender, privateNotices } = parts;
  const held = {
    markdown: notice.markdown,
    ...(notice.buttons === undefined ? {} : { buttons: notice.buttons }),
  };
  const isToldInDirectChat = notice.inDirectChat && sender.traits.showsPrivately === 'at-once';
  if (answer === '' && isToldInDirectChat) {
    await (reply ?? openReply(parts, turn)).finish({
      markdown: '',
      note: TOLD_IN_DIRECT_CHAT,
    });
    await once(parts.db, turn, NOTICE_PART, () =>
      sender.notify(
        { chat: sender.directChat(turn) },
        { ...held, buttons: directChatButtons('direct', held.buttons ?? []) },
      ),
    );
  } else if (answer === '' && reply === undefined && !(await wasShown(parts.db, turn))) {
    const target = {
      chat: turn.chat,
      replyTo: turn.replyTo,
      ...handleOf(turn),
      onlyFor: { platformUserId: turn.platformUserId, publicMarkdown: notice.inGroups },
    };
    await once(parts.db, turn, NOTICE_PART, () => privateNotices.send(target, held, turn.userId));
  } else {
    const details = await privateNotices.hold(turn.chat.platform, turn.userId, held);
    await (reply ?? openReply(parts, turn)).finish({
      markdown: answer,
      note: notice.inGroups,
      buttons: [[details]],
    });
  }
}

/** Whether an earlier attempt put something in the place of the answer, which must not stay there. */
export async function wasShown(db: Database, { turnId }: Pick<RunningTurn, 'turnId'>) {
  const [shown] = await db
    .select({ part: deliveries.part })
    .from(deliveries)
    .where(and(eq(deliveries.turnId, turnId), eq(deliveries.part, 0)));
  return shown !== undefined;
}

/** Part -1 of the delivery log: a notice that stands instead of a reply. */
const NOTICE_PART = -1;
/** … and one in private, of what could not stand in its own place. */
export const ELSEWHERE_PART = -2;

/** @param part of a turn that has ended: its log is nobody's by now */
export async function forgetPart(
  db: Database,
  { turnId }: Pick<RunningTurn, 'turnId'>,
  part: number,
): Promise<void> {
  await db.delete(deliveries).where(and(eq(deliveries.turnId, turnId), eq(deliveries.part, part)));
}

/** Sends a notice unless the delivery log knows it as sent. @throws what `send` throws */
export async function once(
  db: Database,
  turn: RunningTurn,
  part: number,
  send: () => Promise<string | undefined>,
): Promise<void> {
  const log = createDeliveryLog(db, turn);
  const state = await log.begin(part);
  if (state.state === 'sent') return;
  try {
    const messageId = await send();
    await log.sent(part, messageId ?? '');
  } catch (error) {
    if (error instanceof PlatformError && error.code !== 'unreachable') await log.notSent(part);
    throw error;
  }
}
