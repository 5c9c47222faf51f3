/** What is no answer to a turn: notices, and what takes their place. */

import { randomBytes } from 'node:crypto';
import type { ButtonPress, ChatAddress } from '../../chat/message.ts';
import type { Button, Notice, NoticeTarget } from '../../chat/platform.ts';
import { EMPTY_ANSWER } from '../../text/discord.ts';
import { escapeMarkdown } from '../../text/markdown.ts';
import type { Body, Rows } from './api.ts';
import { idsOf, rowsOf, withoutButton } from './components.ts';
import { toPlatformError } from './errors.ts';
import { render, split } from './render/index.ts';
import { parseReplyHandle, type ReplyHandle } from './reply-handle.ts';
import { Retries, type RetryTimes, retrying } from './retries.ts';
import { expired, isThinking, type Place, Surface, type SurfaceTools } from './surface.ts';

export interface NoticeParts extends SurfaceTools {
  readonly noticing: RetryTimes;
}

/** @returns the id of the last message, which has the buttons. @throws PlatformError */
export async function notify(
  parts: NoticeParts,
  target: NoticeTarget,
  notice: Notice,
): Promise<string | undefined> {
  const { chat, onlyFor, press, replyTo, onSent } = target;
  const replyHandle = target.replyHandle ?? press?.replyHandle;
  const forOne = onlyFor !== undefined && chat.kind === 'group';
  const handle = parseReplyHandle(replyHandle);
  const place = { chat, replyTo, replyHandle };
  if (handle !== undefined && new Surface(parts, place).answersInteraction) {
    try {
      const answered = { handle, isPress: press !== undefined, forOne, onSent };
      return await answer(parts, answered, chat, notice);
    } catch (failure) {
      const error = toPlatformError(failure);
      if (error.code !== 'expired' || (handle.ephemeral && !forOne)) throw error;
    }
  }
  // Where the bot is not, there is no other way than the interaction.
  if (handle?.canSend === false) throw expired();
  if (!forOne && replyHandle !== undefined && handle?.ephemeral !== false) throw expired();
  const shown = forOne ? publicNotice(notice, onlyFor) : notice;
  const where = { chat, ...(replyTo === undefined ? {} : { replyTo }) };
  return await send(parts, where, shown, onSent);
}

interface Answered {
  readonly handle: ReplyHandle;
  readonly isPress: boolean;
  /** Whether one person alone may see it. */
  readonly forOne: boolean;
  readonly onSent: NoticeTarget['onSent'];
}

/** Answers an interaction: in the place of “is thinking” if nothing was said yet, else below it. */
async function answer(
  { api, noticing }: NoticeParts,
  { handle, isPress, forOne, onSent }: Answered,
  chat: ChatAddress,
  notice: Notice,
): Promise<string | undefined> {
  const retries = new Retries(noticing);
  const ephemeral = handle.ephemeral || forOne;
  let takesPlace = !isPress && (await retrying(retries, () => waits(api, handle)));
  if (takesPlace && forOne && !handle.ephemeral) {
    // Everybody sees that it is thinking, and would see what takes the place of that.
    await retrying(retries, () => api.deleteOriginal(handle), { repeatable: true });
    takesPlace = false;
  }
  let messageId: string | undefined;
  for (const [index, body] of bodiesOf(chat, notice).entries()) {
    const inPlace = takesPlace && index === 0;
    const say = () =>
      inPlace ? api.editOriginal(handle, body) : api.followUp(handle, body, ephemeral);
    messageId = (await retrying(retries, say, { repeatable: inPlace })).id;
    onSent?.(messageId);
  }
  return messageId;
}

async function waits(api: NoticeParts['api'], handle: ReplyHandle): Promise<boolean> {
  try {
    return isThinking(await api.original(handle));
  } catch (error) {
    if (toPlatformError(error).code === 'gone') return false;
    throw error;
  }
}

async function send(
  parts: NoticeParts,
  place: Place,
  notice: Notice,
  onSent: NoticeTarget['onSent'],
): Promise<string | undefined> {
  const retries = new Retries(parts.noticing);
  const [first, ...rest] = bodiesOf(place.chat, notice);
  if (first === undefined) return undefined;
  const surface = new Surface(parts, place);
  // Discord takes a message with a nonce once, however often it is sent.
  const once = newNonce();
  let messageId = await retrying(retries, () => surface.first(first, once), { repeatable: true });
  onSent?.(messageId);
  const below = new Surface(parts, { chat: place.chat });
  for (const body of rest) {
    const nonce = newNonce();
    messageId = await retrying(retries, () => below.add(body, nonce), { repeatable: true });
    onSent?.(messageId);
  }
  return messageId;
}

/** Replaces a notice. @throws PlatformError */
export async function editNotice(
  parts: NoticeParts,
  place: Place,
  messageId: string,
  notice: Notice,
  onSent?: NoticeTarget['onSent'],
): Promise<void> {
  const retries = new Retries(parts.noticing);
  const { file: _, ...text } = notice;
  const [first, ...rest] = bodiesOf(place.chat, text);
  if (first === undefined) return;
  const surface = new Surface(parts, place);
  await retrying(retries, () => surface.edit(messageId, first), { repeatable: true });
  for (const body of rest) {
    const nonce = newNonce();
    const repeatable = !surface.answersInteraction;
    const sent = await retrying(retries, () => surface.add(body, nonce), { repeatable });
    onSent?.(sent);
  }
}

/** Tells who pressed a button something, for their eyes only. */
export async function answerPress(
  { api, noticing }: NoticeParts,
  { chat, replyHandle }: ButtonPress,
  text: string,
): Promise<void> {
  const handle = parseReplyHandle(replyHandle);
  if (handle === undefined) throw expired();
  const [body] = bodiesOf(chat, { markdown: escapeMarkdown(text) });
  if (body === undefined) return;
  await retrying(new Retries(noticing), () => api.followUp(handle, body, true));
}

/** Takes the button that was pressed from its message, if it is still there: the others stay. */
export async function dropButton(
  { api, noticing }: NoticeParts,
  { action, replyHandle }: ButtonPress,
): Promise<void> {
  const handle = parseReplyHandle(replyHandle);
  if (handle === undefined) return;
  await retrying(
    new Retries(noticing),
    async () => {
      const { components } = await api.original(handle);
      const left = withoutButton(components, action);
      if (idsOf(left) !== idsOf(components)) await api.setButtons(handle, left);
    },
    { repeatable: true },
  );
}

/** A file comes with the last of them, as the buttons do. */
function bodiesOf({ kind }: ChatAddress, { markdown, buttons, file }: Notice): Body[] {
  const components = rowsOf(kind, buttons);
  const contents = split(render(markdown, { isOwn: true }));
  if (contents.length === 0 && components.length > 0) contents.push(...split(render(EMPTY_ANSWER)));
  const none: Rows = [];
  return contents.map((content, index) =>
    index < contents.length - 1
      ? { content, components: none }
      : { content, components, ...(file === undefined ? {} : { files: [file] }) },
  );
}

/** What everybody may read of a notice that could not be shown to one person. */
function publicNotice(notice: Notice, onlyFor: NonNullable<NoticeTarget['onlyFor']>): Notice {
  const { publicMarkdown: markdown, publicButtons } = onlyFor;
  return { markdown, buttons: publicButtons ?? leadingToDirectChat(notice.buttons ?? []) };
}

/** The others may say what is nobody else's business. */
function leadingToDirectChat(rows: readonly (readonly Button[])[]): readonly (readonly Button[])[] {
  return rows.map((row) => row.filter((button) => 'directChat' in button));
}

/** At most 25 characters, says Discord. */
function newNonce(): string {
  return randomBytes(18).toString('base64url');
}
