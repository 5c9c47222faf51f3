/** How an answer is shown while it grows: a draft in private chats, an edited message in groups. */

import type { InlineKeyboardMarkup } from 'grammy/types';
import { RUN_ACTION } from '../../chat/buttons.ts';
import type { DeliveryLog, ReplyTarget } from '../../chat/reply.ts';
import { NewestWins, type Shown } from '../../chat/sending/newest-wins.ts';
import { STOP, THINKING } from '../../text/telegram.ts';
import type { BotApi } from './bot-api.ts';
import { destination } from './chat-address.ts';
import { draftIdOf } from './draft-id.ts';
import { certainlyNotDone, toPlatformError } from './errors.ts';
import type { Outbox } from './outbox.ts';
import type { Pacing } from './pacing.ts';
import { MESSAGE_LIMIT, renderPreview } from './render/index.ts';

/** All in milliseconds. */
export interface PreviewTiming {
  /** Before anything is shown: an answer that comes at once needs no preview. */
  readonly delayMs: number;
  readonly draftEveryMs: number;
  /** Telegram shows a draft for 30 s. */
  readonly draftRefreshMs: number;
  readonly placeholderDelayMs: number;
  readonly editEveryMs: number;
  /** Telegram shows typing for 5 s. */
  readonly typingEveryMs: number;
}

export const PREVIEW_TIMING: PreviewTiming = {
  delayMs: 150,
  draftEveryMs: 400,
  draftRefreshMs: 20_000,
  placeholderDelayMs: 1000,
  editEveryMs: 3000,
  typingEveryMs: 4500,
};

export interface PreviewParts {
  readonly api: BotApi;
  readonly outbox: Outbox;
  readonly pacing: Pacing;
  readonly timing: PreviewTiming;
}

const MAX_FAILURES = 3;
/** Telegram's own stop button belongs to drafts, which there are in private chats only. */
const STOP_KEYBOARD: InlineKeyboardMarkup = {
  inline_keyboard: [[{ text: STOP, callback_data: `${RUN_ACTION}stop` }]],
};

/** A draft with Telegram's own stop button, in private chats only. An empty one says “Thinking…”. */
export function draftPreview(
  { api, timing }: PreviewParts,
  { chat, turnId }: ReplyTarget,
  onOff: () => void,
): NewestWins {
  const { chat_id, ...topic } = destination(chat);
  return new NewestWins('', {
    delayMs: timing.delayMs,
    intervalMs: timing.draftEveryMs,
    refreshMs: timing.draftRefreshMs,
    maxFailures: MAX_FAILURES,
    onOff,
    async show(markdown) {
      const { text, entities } = renderPreview(markdown, MESSAGE_LIMIT);
      try {
        await api.sending.sendMessageDraft(chat_id, draftIdOf(turnId), text, {
          ...topic,
          can_stop: true,
          ...(entities.length === 0 ? {} : { entities: [...entities] }),
        });
        return 'shown';
      } catch (error) {
        return afterFailure(error);
      }
    },
  });
}

/**
 * A message that is edited, with a button to stop it, and that the final answer takes over: part 0
 * of the delivery log.
 */
export function messagePreview(
  { outbox, pacing, timing }: PreviewParts,
  { chat, replyTo, deliveries }: ReplyTarget,
): NewestWins {
  let messageId: string | undefined;
  return new NewestWins('', {
    delayMs: timing.placeholderDelayMs,
    intervalMs: timing.editEveryMs,
    maxFailures: MAX_FAILURES,
    async show(markdown) {
      if (!pacing.tryEdit(chat)) return 'later';
      const rendered = renderPreview(markdown, MESSAGE_LIMIT);
      const content = rendered.text.trim() === '' ? { text: THINKING, entities: [] } : rendered;
      try {
        if (messageId === undefined) {
          const placed = await placeholder(deliveries, () =>
            outbox.sendText(chat, content, { replyTo, keyboard: STOP_KEYBOARD }),
          );
          messageId = placed.messageId;
          return placed.shown;
        }
        await outbox.editText(chat, messageId, content, STOP_KEYBOARD);
        return 'shown';
      } catch (error) {
        const { code, retryAfterMs } = toPlatformError(error);
        if (code === 'flood') pacing.hold(chat, retryAfterMs);
        return afterFailure(error);
      }
    },
  });
}

async function placeholder(
  deliveries: DeliveryLog,
  send: () => Promise<string>,
): Promise<{ messageId?: string; shown: Shown }> {
  const state = await deliveries.begin(0);
  // An earlier attempt at this turn placed it, or may have: then another would be one too many.
  if (state.state === 'sent') return { messageId: state.messageId, shown: 'later' };
  if (state.state === 'unknown') return { shown: 'off' };
  let messageId: string;
  try {
    messageId = await send();
  } catch (error) {
    if (!certainlyNotDone(error)) return { shown: 'off' };
    await deliveries.notSent(0);
    throw error;
  }
  await deliveries.sent(0, messageId);
  return { messageId, shown: 'shown' };
}

export function typing({ api, pacing, timing }: PreviewParts, { chat }: ReplyTarget): NewestWins {
  const { chat_id, ...topic } = destination(chat);
  return new NewestWins('typing', {
    delayMs: timing.delayMs,
    intervalMs: timing.typingEveryMs,
    refreshMs: timing.typingEveryMs,
    maxFailures: MAX_FAILURES,
    async show() {
      if (!pacing.mayHint(chat)) return 'later';
      try {
        await api.sending.sendChatAction(chat_id, 'typing', topic);
        return 'shown';
      } catch (error) {
        return afterFailure(error);
      }
    },
  });
}

function afterFailure(error: unknown): Shown {
  const { code, retryAfterMs } = toPlatformError(error);
  if (code === 'flood') return { holdMs: retryAfterMs };
  return code === 'blocked' || code === 'gone' ? 'off' : 'failed';
}
