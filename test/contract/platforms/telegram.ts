/** Telegram for the contract: people and their client on a simulator. */

import type { Chat, Message } from 'grammy/types';
import { onTestFinished } from 'vitest';
import { MAY_BE_A_REPEAT } from '../../../src/text/telegram.ts';
import type { TelegramSimulator } from '../../fakes/telegram.ts';
import { addressOf, people, sending } from '../../platforms/telegram/sending.ts';
import type { Platform, Seat } from './harness.ts';

const tokens = new WeakMap<Seat, string>();
const common = {
  mayBeRepeat: MAY_BE_A_REPEAT.replaceAll('_', ''),
  secretsOf: (seat: Seat) => [tokens.get(seat) ?? 'no token'],
};

export const telegramDirect: Platform = {
  ...common,
  name: 'Telegram, in private',
  lacks: {},
  addressed: { words: 'direct', command: 'direct' },
  sit: () => sit('direct'),
};

export const telegramGroup: Platform = {
  ...common,
  name: 'Telegram, in a group',
  lacks: {
    stopControl: 'Telegram has it for drafts, which are in private chats only',
    deletion: 'the bot is no administrator there',
  },
  addressed: { words: 'mention', command: 'command' },
  sit: () => sit('group'),
};

async function sit(kind: 'direct' | 'group'): Promise<Seat> {
  const { telegram, ann, direct } = await people();
  const chat =
    kind === 'direct' ? direct : telegram.group({ title: 'Team', members: [ann], creator: ann });
  const times = { answerBudgetMs: 1500, noticeBudgetMs: 500, deletionBudgetMs: 300 };
  const { receiver, sender } = sending(telegram, times);
  onTestFinished(() => receiver.stop());
  const mention = kind === 'direct' ? '' : `@${telegram.bot.username} `;
  let last: Message | undefined;

  const seat: Seat = {
    receiver,
    sender,
    chat: addressOf(chat),
    anotherSender: async () => sending(telegram).sender,
    async say(text) {
      last = telegram.say(chat, ann, text.startsWith('/') ? text : `${mention}${text}`);
    },
    edit(text) {
      if (last === undefined) throw new Error('nothing was said');
      last = telegram.edit(last, `${mention}${text}`);
    },
    async press(label) {
      const message = await telegram.waitFor(() =>
        telegram
          .messages(chat)
          .findLast((one) => telegram.buttons(one).some((button) => button.label === label)),
      );
      telegram.press(message, label, ann);
    },
    stop: () => void telegram.pressStop(chat),
    visible: () => [...spoken(telegram, chat), ...draftOf(telegram, chat)],
    saidStands: (text) =>
      telegram.messages(chat).some((one) => !one.from?.is_bot && one.text?.includes(text)),
    goOffline: () => telegram.fail({ method: /./, dropBefore: true }),
    comeBack: () => telegram.clearFaults(),
    loseNextConfirmation: () =>
      telegram.fail({ method: /^send(?:Message|Document)$/, dropAfter: true, times: 1 }),
  };
  tokens.set(seat, telegram.token);
  return seat;
}

function spoken(telegram: TelegramSimulator, chat: Chat): string[] {
  return telegram.messages(chat).flatMap((message) => {
    if (!message.from?.is_bot) return [];
    const bytes = message.document && telegram.file(message.document.file_id);
    return [
      [
        message.text ?? message.caption ?? '',
        ...telegram.buttons(message).map(({ label }) => label),
      ].join('\n'),
      ...(bytes === undefined ? [] : [new TextDecoder().decode(bytes)]),
    ];
  });
}

function draftOf(telegram: TelegramSimulator, chat: Chat): string[] {
  const text = telegram.draft(chat)?.text ?? '';
  return text === '' ? [] : [text];
}
