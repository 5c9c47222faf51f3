import type { ReplyTarget } from '../../chat/reply.ts';
import { MAY_BE_A_REPEAT } from '../../text/telegram.ts';
import { marksRepeat, type Part, textParts } from './answer-parts.ts';
import { certainlyNotDone, toPlatformError } from './errors.ts';
import type { Content, Outbox, Placement } from './outbox.ts';
import { render } from './render/index.ts';
import { Retries, type RetryTools, retrying } from './retries.ts';

export interface DeliveryTools extends RetryTools {
  readonly outbox: Outbox;
  /** Milliseconds for all parts of an answer, with the waits that Telegram asks for. */
  readonly budgetMs: number;
}

/**
 * Sends the parts that the delivery log does not know as sent. A part of which nobody knows whether
 * it arrived is sent again and says so.
 * @throws PlatformError when the rest has to wait for another attempt, or can't be sent at all
 */
export async function deliver(
  tools: DeliveryTools,
  target: ReplyTarget,
  parts: readonly Part[],
): Promise<void> {
  const retries = new Retries(tools, target.chat, tools.budgetMs);
  for (const [index, part] of parts.entries()) {
    await deliverPart(tools, target, part, index, retries);
  }
}

async function deliverPart(
  tools: DeliveryTools,
  target: ReplyTarget,
  part: Part,
  index: number,
  retries: Retries,
): Promise<void> {
  const { chat, deliveries } = target;
  for (;;) {
    await retries.turn();
    const state = await deliveries.begin(index);
    if (state.state === 'sent') {
      if (await takesOver(tools, target, part, index, state.messageId, retries)) return;
      // What stood there is gone: sent afresh.
      await deliveries.notSent(index);
      continue;
    }
    let messageId: string;
    try {
      const placement = index === 0 ? { replyTo: target.replyTo } : {};
      messageId = await send(tools.outbox, chat, part, placement, state.state === 'unknown');
    } catch (failure) {
      // That a repeat was not done says nothing of what it would have repeated.
      const repeats = state.state === 'unknown';
      if (!repeats && certainlyNotDone(failure)) await deliveries.notSent(index);
      await retries.after(failure);
      continue;
    }
    // Not in the `try`: when this fails, the part stands there all the same.
    await deliveries.sent(index, messageId);
    return;
  }
}

/**
 * In groups part 0 is a placeholder, or what an earlier attempt made of it: editing it again does
 * no harm. Anything else that was sent is left as it is.
 * @returns false when it is not there any more
 */
async function takesOver(
  { outbox }: DeliveryTools,
  { chat }: ReplyTarget,
  part: Part,
  index: number,
  messageId: string,
  retries: Retries,
): Promise<boolean> {
  if (chat.kind === 'direct' || index !== 0 || part.kind !== 'text') return true;
  const { content, keyboard } = part;
  try {
    const edit = () => outbox.editText(chat, messageId, content, keyboard);
    await retrying(retries, edit, { repeatable: true, paced: false });
    return true;
  } catch (failure) {
    const error = toPlatformError(failure);
    // A message that can't be edited for whatever reason must not keep the answer back.
    if (error.code === 'gone' || error.code === 'refused') return false;
    throw error;
  }
}

async function send(
  outbox: Outbox,
  chat: ReplyTarget['chat'],
  part: Part,
  placement: Placement,
  mayBeRepeat: boolean,
): Promise<string> {
  if (part.kind === 'file') {
    const caption = (mayBeRepeat ? marksRepeat(part.caption) : undefined) ?? part.caption;
    return await sendFile(outbox, chat, { ...part, caption });
  }
  const placed =
    part.keyboard === undefined ? placement : { ...placement, keyboard: part.keyboard };
  if (!mayBeRepeat) return await outbox.sendText(chat, part.content, placed);
  const marked = marksRepeat(part.content);
  if (marked !== undefined) return await outbox.sendText(chat, marked, placed);
  await outbox.sendText(chat, render(MAY_BE_A_REPEAT), placement);
  return await outbox.sendText(chat, part.content, placed);
}

/** Groups may forbid files and allow texts: then the code comes as text. */
async function sendFile(
  outbox: Outbox,
  chat: ReplyTarget['chat'],
  file: Extract<Part, { kind: 'file' }>,
): Promise<string> {
  try {
    return await outbox.sendFile(chat, file, file.caption);
  } catch (failure) {
    const { code } = toPlatformError(failure);
    if (code !== 'refused' && code !== 'blocked') throw failure;
    const text = new TextDecoder().decode(file.bytes);
    let messageId: string | undefined;
    for (const content of textParts({ text, entities: [codeOf(text)] })) {
      messageId = await outbox.sendText(chat, content, {});
    }
    if (messageId === undefined) throw failure;
    return messageId;
  }
}

function codeOf(text: string): Content['entities'][number] {
  return { type: 'pre', offset: 0, length: text.length };
}
