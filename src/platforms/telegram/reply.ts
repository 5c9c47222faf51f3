import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Progress, Reply, ReplyTarget } from '../../chat/reply.ts';
import { partsOf } from './answer-parts.ts';
import { type DeliveryTools, deliver } from './delivery.ts';
import { toPlatformError } from './errors.ts';
import { keyboardOf } from './keyboard.ts';
import { draftPreview, messagePreview, type PreviewParts, typing } from './preview.ts';

export type ReplyParts = PreviewParts & DeliveryTools;

/** Milliseconds for which a draft on its way may delay the final message. */
const DRAFT_PATIENCE = 2000;

export function openReply(parts: ReplyParts, target: ReplyTarget): Reply {
  const isDirect = target.chat.kind === 'direct';
  let signs = typing(parts, target);
  let isOver = false;
  let showsWords = true;
  const preview = isDirect
    ? draftPreview(parts, target, () => {
        // Nobody sees the words before the end any more: that is bridged by typing.
        showsWords = false;
        void signs.end();
        if (!isOver) signs = typing(parts, target);
      })
    : messagePreview(parts, target);

  /** What is on its way would come after the final message, or beside it. */
  async function endPreview(): Promise<void> {
    isOver = true;
    const ended = Promise.all([signs.end(), preview.end()]);
    // Nobody's answer depends on a draft; on a placeholder it does.
    const patience = sleep(DRAFT_PATIENCE, undefined, { ref: false });
    await (isDirect ? Promise.race([ended, patience]) : ended);
  }

  return {
    show({ markdown }: Progress) {
      if (markdown !== '' && showsWords) void signs.end();
      preview.update(markdown);
    },
    async finish(answer: Answer) {
      await endPreview();
      const keyboard = await keyboardOf(parts.api, answer.buttons).catch((error: unknown) => {
        throw toPlatformError(error);
      });
      await deliver(parts, target, partsOf(answer, keyboard));
    },
    abandon: endPreview,
  };
}
