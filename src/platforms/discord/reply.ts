import type { Button } from '../../chat/platform.ts';
import type { Answer, Progress, Reply, ReplyTarget } from '../../chat/reply.ts';
import { CONTINUE_BELOW } from '../../text/discord.ts';
import { partsOf } from './answer-parts.ts';
import type { Body } from './api.ts';
import { continueButton, NEW_CONVERSATION, rowsOf } from './components.ts';
import { Delivery } from './delivery.ts';
import { describe } from './errors.ts';
import type { DiscordLogger } from './logger.ts';
import { messagePreview, type PreviewTiming, typing } from './preview.ts';
import { MESSAGE_LIMIT, renderPreview } from './render/index.ts';
import type { RetryTimes } from './retries.ts';
import { expired, Surface, type SurfaceTools } from './surface.ts';

export interface ReplyParts extends SurfaceTools {
  readonly timing: PreviewTiming;
  readonly finishing: RetryTimes;
  readonly logger: DiscordLogger;
}

export function openReply(parts: ReplyParts, target: ReplyTarget): Reply {
  const surface = new Surface(parts, target);
  const delivery = new Delivery(target, surface);
  let newest = '';
  let isLeftToButton = false;

  const signs = surface.answersInteraction ? undefined : typing(parts, target, parts.timing);
  const preview = messagePreview({
    surface,
    delivery,
    timing: parts.timing,
    onPlaced: () => void signs?.end(),
  });
  const lastCall = surface.lastCallMs;
  let handingOver: Promise<void> | undefined;
  const timer =
    lastCall === undefined
      ? undefined
      : setTimeout(() => {
          handingOver = handOver();
        }, lastCall);
  timer?.unref();

  /** Discord closes the way to the message in a minute: from then on a button leads on. */
  async function handOver(): Promise<void> {
    await preview.end();
    const components = rowsOf(target.chat.kind, [[continueButton(target.turnId)]]);
    const room = MESSAGE_LIMIT - CONTINUE_BELOW.length - 2;
    const soFar = renderPreview(newest, room);
    const content = soFar === '' ? CONTINUE_BELOW : `${soFar}\n\n${CONTINUE_BELOW}`;
    const body: Body = { content, components };
    try {
      isLeftToButton = (await delivery.placeholder(body)) !== undefined;
    } catch (error) {
      parts.logger.warn(describe(error), 'an answer could not be left to a button');
    }
  }

  async function endPreview(): Promise<void> {
    clearTimeout(timer);
    await Promise.all([signs?.end(), preview.end(), handingOver]);
  }

  return {
    show({ markdown }: Progress) {
      newest = markdown;
      preview.update(markdown);
    },
    async finish(answer: Answer) {
      await endPreview();
      if (isLeftToButton) throw expired();
      const components = rowsOf(target.chat.kind, buttonsOf(target, answer));
      const answerParts = partsOf(answer, components, surface.takesFew);
      await delivery.finish(answerParts, parts.finishing);
    },
    abandon: endPreview,
  };
}

/**
 * Channels have no conversation of their own to begin anew: each chain of replies is one. Where the
 * answer's own thread turns out not to be there, the surface leaves that button out.
 */
function buttonsOf(
  { chat, opensThread, replyHandle }: ReplyTarget,
  answer: Answer,
): readonly (readonly Button[])[] {
  const rows = answer.buttons ?? [];
  const opensOne = opensThread !== undefined && replyHandle === undefined;
  const hasOwn = chat.kind === 'direct' || chat.threadId !== undefined || opensOne;
  return hasOwn && answer.markdown !== '' ? [...rows, [NEW_CONVERSATION]] : rows;
}
