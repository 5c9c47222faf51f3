/** People and chats on the simulated Telegram, shown as they see them. */

import type { Chat, Message, User } from 'grammy/types';
import type { SayExtra, TelegramSimulator } from '../test/fakes/telegram/types.ts';
import { ChatView, type Shown, withoutKeys } from './chat-view.ts';
import type { Screen } from './screen.ts';
import { telegramLines } from './telegram-text.ts';

export interface OnTelegram extends Shown {
  readonly message: Message;
}

export class TelegramChat extends ChatView<OnTelegram> {
  readonly #telegram: TelegramSimulator;
  readonly #chat: Chat;

  /** @param people who is in the chat beside the bot */
  constructor(
    telegram: TelegramSimulator,
    chat: Chat,
    people: readonly User[],
    where: { readonly screen: Screen; readonly title: string },
  ) {
    super({
      ...where,
      waitFor: telegram.waitFor,
      read: () => readAll(telegram, chat, people),
    });
    this.#telegram = telegram;
    this.#chat = chat;
  }

  says(who: User, text: string, replyTo?: OnTelegram): OnTelegram {
    const extra: SayExtra = replyTo === undefined ? {} : { reply_to: replyTo.message };
    const said = this.#telegram.say(this.#chat, who, text, extra);
    this.update();
    return shown(said, this.#telegram, undefined);
  }

  presses(who: User, { message }: OnTelegram, label: string): void {
    this.does(`${who.first_name} presses [${label}]`);
    const button = this.#telegram.buttons(message).find((one) => one.label === label);
    if (button?.data === undefined) throw new Error(`there is no button “${label}” to press`);
    this.#telegram.press(message, label, who);
  }
}

function readAll(telegram: TelegramSimulator, chat: Chat, people: readonly User[]): OnTelegram[] {
  const all = telegram.messages(chat).map((message) => shown(message, telegram, undefined));
  const forOne = people.flatMap((person) =>
    telegram
      .messages(chat, { as: person })
      .filter(({ ephemeral_message_id }) => ephemeral_message_id !== undefined)
      .map((message) => shown(message, telegram, person)),
  );
  return [...all, ...forOne];
}

function shown(
  message: Message,
  telegram: TelegramSimulator,
  onlyFor: User | undefined,
): OnTelegram {
  const { from, reply_to_message: replied, document } = message;
  const raw = message.text ?? message.caption ?? '';
  const fromBot = from?.id === telegram.bot.id;
  const entities = message.entities ?? message.caption_entities ?? [];
  return {
    message,
    id: idOf(message),
    author: from?.first_name ?? '',
    fromBot,
    text: raw,
    lines: fromBot ? telegramLines(raw, entities) : telegramLines(withoutKeys(raw), []),
    buttons: telegram.buttons(message).map(({ label }) => label),
    files: document?.file_name === undefined ? [] : [document.file_name],
    onlyFor: onlyFor?.first_name,
    replyTo:
      replied === undefined
        ? undefined
        : { id: idOf(replied), text: replied.text ?? replied.caption ?? '' },
    growing: false,
  };
}

function idOf({
  message_id,
  ephemeral_message_id,
}: Pick<Message, 'message_id' | 'ephemeral_message_id'>): string {
  return ephemeral_message_id === undefined ? `${message_id}` : `e${ephemeral_message_id}`;
}
