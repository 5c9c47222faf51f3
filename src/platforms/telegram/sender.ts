import type { ChatAddress } from '../../chat/message.ts';
import type { Notice, NoticeFile, NoticeTarget, PlatformSender } from '../../chat/platform.ts';
import type { Secret } from '../../secret.ts';
import { textParts } from './answer-parts.ts';
import type { BotApi } from './bot-api.ts';
import { deleteMessages } from './delete-messages.ts';
import { download } from './download.ts';
import { describe, toPlatformError } from './errors.ts';
import { directLink, keyboardOf } from './keyboard.ts';
import type { TelegramLogger } from './logger.ts';
import { parseMessageId } from './message-id.ts';
import { type Content, Outbox, type Placement } from './outbox.ts';
import { Pacing, type Rates, TELEGRAM_RATES } from './pacing.ts';
import { PREVIEW_TIMING, type PreviewTiming } from './preview.ts';
import { render } from './render/index.ts';
import { openReply } from './reply.ts';
import { Retries, retrying } from './retries.ts';

/** In milliseconds. */
export interface SendingTimes extends PreviewTiming {
  /** How long a final answer may take with all repetitions, before it is put off. */
  readonly answerBudgetMs: number;
  readonly noticeBudgetMs: number;
  readonly deletionBudgetMs: number;
  readonly downloadMs: number;
  /** Before the first repetition of what failed; doubles up to 10 s. */
  readonly retryMs: number;
}

const SENDING_TIMES: SendingTimes = {
  ...PREVIEW_TIMING,
  answerBudgetMs: 60_000,
  noticeBudgetMs: 10_000,
  deletionBudgetMs: 5000,
  downloadMs: 30_000,
  retryMs: 500,
};

/** UTF-16 units of the text that a press is answered with. */
const PRESS_ANSWER_LIMIT = 200;

/** UTF-16 units. */
const CAPTION_LIMIT = 1024;
/** 50 MB, says the Bot API. */
const MAX_FILE_BYTES = 50_000_000;
const NO_CAPTION: Content = { text: '', entities: [] };

export interface SenderOptions {
  readonly api: BotApi;
  readonly token: Secret;
  readonly apiRoot: string;
  readonly logger: TelegramLogger;
  readonly times?: Partial<SendingTimes>;
  readonly rates?: Partial<Rates>;
}

export function createTelegramSender(options: SenderOptions): PlatformSender {
  const { api, logger } = options;
  const times = { ...SENDING_TIMES, ...options.times };
  const outbox = new Outbox(api);
  const pacing = new Pacing({ ...TELEGRAM_RATES, ...options.rates });
  const tools = { pacing, outbox, retryMs: times.retryMs };
  const replyParts = { ...tools, api, timing: times, budgetMs: times.answerBudgetMs };

  /** @returns the id of the last message, which has the buttons */
  async function send(
    chat: ChatAddress,
    notice: Notice,
    placement: Placement,
    onSent: NoticeTarget['onSent'],
  ): Promise<string | undefined> {
    const keyboard = await keyboardOf(api, notice.buttons);
    const retries = new Retries(tools, chat, times.noticeBudgetMs);
    const whole = render(notice.markdown, { keepCommands: true });
    const { file } = notice;
    if (file !== undefined && keyboard === undefined && whole.text.length <= CAPTION_LIMIT) {
      const sent = await sendFile(chat, file, whole);
      onSent?.(sent);
      return sent;
    }
    const contents = textParts(whole);
    let messageId: string | undefined;
    for (const [index, content] of contents.entries()) {
      const { replyTo: _, ...loose } = placement;
      const place = {
        ...(index === 0 ? placement : loose),
        ...(index === contents.length - 1 && keyboard !== undefined ? { keyboard } : {}),
      };
      messageId = await retrying(retries, () => outbox.sendText(chat, content, place));
      onSent?.(messageId);
    }
    if (file !== undefined) {
      const sent = await sendFile(chat, file, NO_CAPTION);
      onSent?.(sent);
    }
    return messageId;
  }

  function sendFile(chat: ChatAddress, file: NoticeFile, caption: Content): Promise<string> {
    const retries = new Retries(tools, chat, times.answerBudgetMs);
    return retrying(retries, () => outbox.sendFile(chat, file, caption));
  }

  async function notify(target: NoticeTarget, notice: Notice): Promise<string | undefined> {
    const { chat, replyTo, onlyFor, press, onSent } = target;
    const placement = replyTo === undefined ? {} : { replyTo };
    const readerId = readerOf(target);
    if (readerId === undefined) return await send(chat, notice, placement, onSent);
    try {
      const ephemeral = { readerId, ...(press === undefined ? {} : { pressId: press.pressId }) };
      return await send(chat, notice, { ...placement, ephemeral }, onSent);
    } catch (failure) {
      const error = toPlatformError(failure);
      if (error.retryable) throw error;
      return await send(chat, publicNotice(notice, onlyFor), placement, onSent);
    }
  }

  async function editNotice(
    chat: ChatAddress,
    messageId: string,
    notice: Notice,
    onSent: NoticeTarget['onSent'],
  ): Promise<void> {
    const keyboard = await keyboardOf(api, notice.buttons);
    const retries = new Retries(tools, chat, times.noticeBudgetMs);
    const [first, ...rest] = textParts(render(notice.markdown, { keepCommands: true }));
    if (first === undefined) return;
    const edit = (content: Content) =>
      outbox.editText(chat, messageId, content, rest.length === 0 ? keyboard : undefined);
    await retrying(retries, () => edit(first), { repeatable: true });
    for (const [index, content] of rest.entries()) {
      const place = index === rest.length - 1 && keyboard !== undefined ? { keyboard } : {};
      const sent = await retrying(retries, () => outbox.sendText(chat, content, place));
      onSent?.(sent);
    }
  }

  return {
    name: 'telegram',
    traits: {
      deletesDirectMessages: true,
      showsPrivately: 'at-once',
      showsQuoted: 'always',
      groupConversation: 'chat',
      showsCommands: 'to-all',
      maxFileBytes: MAX_FILE_BYTES,
    },
    async notify(target, notice) {
      try {
        return await notify(target, notice);
      } catch (error) {
        throw toPlatformError(error);
      }
    },
    async editNotice(chat, messageId, notice, _replyHandle, onSent) {
      try {
        await editNotice(chat, messageId, notice, onSent);
      } catch (failure) {
        const error = toPlatformError(failure);
        if (error.code !== 'gone') throw error;
      }
    },
    async answerPress(press, text) {
      const shown = text?.slice(0, PRESS_ANSWER_LIMIT).toWellFormed();
      try {
        await api.sending.answerCallbackQuery(
          press.pressId,
          shown === undefined ? {} : { text: shown },
        );
      } catch (error) {
        logger.info(describe(error), 'a press could not be answered');
      }
    },
    async deleteMessage(chat, messageId) {
      const retries = new Retries(tools, chat, times.deletionBudgetMs);
      try {
        // Messages with keys are deleted this way: that waits for nothing.
        await retrying(retries, () => outbox.deleteMessage(chat, messageId), {
          repeatable: true,
          paced: false,
        });
        return 'deleted';
      } catch (error) {
        logger.info(describe(error), 'a message could not be deleted');
        return 'refused';
      }
    },
    deleteMessages: (chat, messageIds) =>
      deleteMessages({ tools, outbox, logger, budgetMs: times.deletionBudgetMs }, chat, messageIds),
    openReply: (target) => openReply(replyParts, target),
    download: (file, maxBytes) =>
      download({ ...options, timeoutMs: times.downloadMs }, file, maxBytes),
    directLink: async (payload) => directLink((await api.me()).username, payload),
    directChat: ({ platformUserId }) => ({
      platform: 'telegram',
      chatId: platformUserId,
      kind: 'direct',
    }),
  };
}

/** What everybody may read of a notice that could not be shown to one person. */
function publicNotice(notice: Notice, onlyFor: NoticeTarget['onlyFor']): Notice {
  if (onlyFor === undefined) return notice;
  const { publicMarkdown: markdown, publicButtons: buttons } = onlyFor;
  return { ...notice, markdown, ...(buttons === undefined ? {} : { buttons }) };
}

/** The one person of a group whom the notice is for: as asked, or as an ephemeral command says. */
function readerOf({ chat, onlyFor, replyTo }: NoticeTarget): number | undefined {
  if (chat.kind === 'direct') return undefined;
  if (onlyFor !== undefined) return Number(onlyFor.platformUserId);
  const handle = replyTo === undefined ? undefined : parseMessageId(replyTo);
  return handle?.kind === 'ephemeral' ? handle.readerId : undefined;
}
