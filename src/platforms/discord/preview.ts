/** How an answer is shown while it grows: one message that is edited. */

import { NewestWins, type Shown } from '../../chat/sending/newest-wins.ts';
import { THINKING } from '../../text/discord.ts';
import type { Body, DiscordApi } from './api.ts';
import type { Channels } from './channels.ts';

import { rowsOf, STOP } from './components.ts';
import type { Delivery } from './delivery.ts';
import { toPlatformError } from './errors.ts';
import { MESSAGE_LIMIT, renderPreview } from './render/index.ts';
import type { Place, Surface } from './surface.ts';

/** All in milliseconds. */
export interface PreviewTiming {
  /** Before the bot shows as typing. */
  readonly delayMs: number;
  /** Before the message is there: an answer that comes at once needs no preview. */
  readonly placeholderDelayMs: number;
  /** Discord takes five edits in five seconds in a channel, those of other answers included. */
  readonly editEveryMs: number;
  /** Discord shows typing for 10 s. */
  readonly typingEveryMs: number;
}

export const PREVIEW_TIMING: PreviewTiming = {
  delayMs: 150,
  placeholderDelayMs: 1000,
  editEveryMs: 1300,
  typingEveryMs: 8000,
};

const MAX_FAILURES = 3;
/** After Discord asked for less, edits come this many times further apart, up to the second number. */
const SLOWER = 2;
const SLOWEST = 8;

export interface PreviewParts {
  readonly surface: Surface;
  readonly delivery: Delivery;
  readonly timing: PreviewTiming;
  /** Called when the message is there. */
  readonly onPlaced: () => void;
}

export function messagePreview({ surface, delivery, timing, onPlaced }: PreviewParts): NewestWins {
  let messageId: string | undefined;
  let pace = 1;
  let notBefore = 0;

  async function show(body: Body): Promise<Shown> {
    if (messageId !== undefined) {
      await surface.edit(messageId, body);
      return 'shown';
    }
    messageId = await delivery.placeholder(body);
    if (messageId === undefined) return 'off';
    onPlaced();
    return 'shown';
  }

  return new NewestWins('', {
    delayMs: timing.placeholderDelayMs,
    intervalMs: timing.editEveryMs,
    maxFailures: MAX_FAILURES,
    async show(markdown) {
      const earlyMs = notBefore - performance.now();
      if (earlyMs > 0) return { holdMs: earlyMs };
      try {
        return await show({
          content: renderPreview(markdown, MESSAGE_LIMIT) || THINKING,
          components: rowsOf('direct', [[STOP]]),
        });
      } catch (error) {
        const { code, retryAfterMs } = toPlatformError(error, 'send');
        if (code === 'flood') {
          pace = Math.min(SLOWEST, pace * SLOWER);
          return { holdMs: Math.max(retryAfterMs, timing.editEveryMs) };
        }
        return code === 'unreachable' ? 'failed' : 'off';
      } finally {
        notBefore = performance.now() + (pace === 1 ? 0 : timing.editEveryMs * pace);
      }
    },
  });
}

export interface TypingTools {
  readonly api: DiscordApi;
  readonly channels: Channels;
}

export function typing(
  { api, channels }: TypingTools,
  { chat }: Place,
  timing: PreviewTiming,
): NewestWins {
  return new NewestWins('typing', {
    delayMs: timing.delayMs,
    intervalMs: timing.typingEveryMs,
    refreshMs: timing.typingEveryMs,
    maxFailures: 1,
    async show() {
      try {
        await api.typing(await channels.of(chat));
        return 'shown';
      } catch (error) {
        const { code, retryAfterMs } = toPlatformError(error);
        return code === 'flood' ? { holdMs: retryAfterMs } : 'failed';
      }
    },
  });
}
