/** A sender on a simulator, with times that suit tests, and a delivery log in memory. */

import type { ChatAddress } from '../../../src/chat/message.ts';
import type { ReplyTarget } from '../../../src/chat/reply.ts';
import type { Rates } from '../../../src/platforms/telegram/pacing.ts';
import type { SendingTimes } from '../../../src/platforms/telegram/sender.ts';
import { createTelegram } from '../../../src/platforms/telegram/telegram.ts';
import { Secret } from '../../../src/secret.ts';
import type { TelegramSimulator } from '../../fakes/telegram.ts';
import { collectingLog } from '../../support/collecting-log.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { simulator } from './receiving.ts';

const TIMES: SendingTimes = {
  delayMs: 10,
  draftEveryMs: 30,
  draftRefreshMs: 20_000,
  placeholderDelayMs: 20,
  editEveryMs: 30,
  typingEveryMs: 4500,
  answerBudgetMs: 3000,
  noticeBudgetMs: 3000,
  deletionBudgetMs: 1000,
  downloadMs: 2000,
  retryMs: 20,
};

const RATES: Rates = {
  perSecond: 1000,
  chatIntervalMs: 1,
  chatBurst: 100,
  groupPerMinute: 1000,
};

export function sending(
  telegram: Pick<TelegramSimulator, 'url' | 'token'>,
  times: Partial<SendingTimes> = {},
  rates: Partial<Rates> = {},
) {
  const log = collectingLog();
  const platform = createTelegram({
    mode: 'polling',
    token: new Secret(telegram.token),
    apiRoot: telegram.url,
    log,
    sending: { ...TIMES, ...times },
    rates: { ...RATES, ...rates },
    receiving: { retryMs: 20 },
  });
  return { ...platform, log };
}

export async function people(options: Parameters<typeof simulator>[0] = {}) {
  const telegram = await simulator(options);
  const ann = telegram.addUser({ first_name: 'Ann' });
  const ben = telegram.addUser({ first_name: 'Ben' });
  const direct = telegram.privateChat(ann);
  return { telegram, ann, ben, direct };
}

export function addressOf(chat: { id: number; type: string }, thread?: number): ChatAddress {
  return {
    platform: 'telegram',
    chatId: String(chat.id),
    kind: chat.type === 'private' ? 'direct' : 'group',
    ...(thread === undefined ? {} : { threadId: String(thread) }),
  };
}

export function target(
  chat: { id: number; type: string },
  replyTo: { message_id: number },
  fields: Partial<ReplyTarget> & { thread?: number } = {},
): ReplyTarget {
  const { thread, ...rest } = fields;
  return {
    turnId: 31,
    chat: addressOf(chat, thread),
    replyTo: String(replyTo.message_id),
    deliveries: memoryLog().deliveries,
    ...rest,
  };
}
