import type { PlatformSender } from '../../chat/platform.ts';
import { DiscordApi } from './api.ts';
import { Channels, directChatOf } from './channels.ts';
import { deleteMessage, deleteMessages } from './delete-messages.ts';
import { download } from './download.ts';
import { describe, toPlatformError } from './errors.ts';
import type { DiscordLogger } from './logger.ts';
import { answerPress, dropButton, editNotice, notify } from './notices.ts';
import { PREVIEW_TIMING, type PreviewTiming } from './preview.ts';
import { openReply } from './reply.ts';
import type { Rest } from './rest.ts';

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

/** 10 MiB: what an app may attach in direct chats. */
const MAX_FILE_BYTES = 10 * 2 ** 20;

export interface SenderOptions {
  readonly rest: Rest;
  readonly apiRoot: string;
  readonly log: DiscordLogger;
  readonly times?: Partial<SendingTimes>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Sends through REST alone: nothing of it needs the gateway. */
export function createDiscordSender(options: SenderOptions): PlatformSender {
  const { rest, apiRoot, log: logger, now = Date.now } = options;
  const times = { ...SENDING_TIMES, ...options.times };
  const { retryMs } = times;
  const api = new DiscordApi(rest);
  const channels = new Channels(api);
  const tools = { api, channels, now };
  const noticeParts = { ...tools, noticing: { retryMs, budgetMs: times.noticeBudgetMs } };
  const deletionParts = {
    ...tools,
    logger,
    deleting: { retryMs, budgetMs: times.deletionBudgetMs },
    clearing: { retryMs, budgetMs: times.answerBudgetMs },
  };
  const replyParts = {
    ...tools,
    timing: times,
    finishing: { retryMs, budgetMs: times.answerBudgetMs },
    logger,
  };

  return {
    name: 'discord',
    traits: {
      deletesDirectMessages: false,
      showsPrivately: 'on-request',
      showsQuoted: 'sometimes',
      groupConversation: 'replies',
      showsCommands: 'to-sender',
      maxFileBytes: MAX_FILE_BYTES,
    },
    async notify(target, notice) {
      try {
        return await notify(noticeParts, target, notice);
      } catch (error) {
        throw toPlatformError(error, 'send');
      }
    },
    async editNotice(chat, messageId, notice, replyHandle, onSent) {
      try {
        await editNotice(noticeParts, { chat, replyHandle }, messageId, notice, onSent);
      } catch (failure) {
        const error = toPlatformError(failure, 'send');
        if (error.code !== 'gone') throw error;
      }
    },
    async answerPress(press, text = '', isOver = false) {
      try {
        if (isOver) await dropButton(noticeParts, press);
        // The receiver has told Discord already that the press arrived.
        if (text !== '') await answerPress(noticeParts, press, text);
      } catch (error) {
        logger.info(describe(error), 'a press could not be answered');
      }
    },
    deleteMessage: (chat, messageId) => deleteMessage(deletionParts, chat, messageId),
    deleteMessages: (chat, messageIds) => deleteMessages(deletionParts, chat, messageIds),
    openReply: (target) => openReply(replyParts, target),
    download: (file, maxBytes) =>
      download({ api, apiRoot, now, timeoutMs: times.downloadMs }, file, maxBytes),
    directChat: ({ platformUserId }) => directChatOf(platformUserId),
  };
}
