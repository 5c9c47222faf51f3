/** What happens on Telegram: a newcomer, a key, code help in a group, an allowance that ends. */

import type { User } from 'grammy/types';
import type { Screen } from './screen.ts';
import type { Stage } from './stage.ts';
import { TelegramChat } from './telegram-chat.ts';

export interface AnnOnTelegram {
  readonly ann: User;
  readonly chat: TelegramChat;
}

export async function telegramActs(
  { telegram, openai }: Stage,
  screen: Screen,
): Promise<AnnOnTelegram> {
  const [ann, bob, carol] = ['Ann', 'Bob', 'Carol'].map((first_name) =>
    telegram.addUser({ first_name }),
  ) as [User, User, User];
  const chat = new TelegramChat(telegram, telegram.privateChat(ann), [ann], {
    screen,
    title: 'Telegram: Ann’s private chat',
  });

  screen.title('1. A newcomer asks, and the house pays');
  chat.says(ann, '/start');
  const greeting = await chat.hears(/I am Latchkey/);
  chat.says(ann, 'How do I reverse a string in Python?');
  await chat.hears(/falls apart\.$/);

  screen.title('2. Ann brings her own key; the message that holds it is deleted');
  chat.presses(ann, greeting, 'Use my own key');
  const providers = await chat.hears(/Whose key/);
  chat.presses(ann, providers, 'OpenAI');
  await chat.hears(/send me the key/);
  const withKey = chat.says(ann, openai.keys.add());
  await chat.loses(withKey.id);
  await chat.hears(/Saved: your OpenAI key/);
  chat.says(ann, 'And without breaking emoji?');
  await chat.hears(/as people see it\./);

  const group = new TelegramChat(
    telegram,
    telegram.group({ title: 'Code club', members: [ann, bob, carol], botIsAdmin: true }),
    [ann, bob, carol],
    { screen, title: 'Telegram: the group “Code club”' },
  );
  screen.title('3. Code help in a group: a reply that mentions the bot');
  const code = group.says(
    bob,
    'let i = 0;\nwhile (i < rows.length) {\n  print(rows[i]);\n  i + 1;\n}',
  );
  group.says(carol, `@${telegram.bot.username} why does it never end?`, code);
  const answer = await group.hears(/can’t forget\.$/);
  group.says(carol, 'Should I use map instead?', answer);
  const second = await group.hears(/says what you mean\.$/);

  screen.title('4. Carol’s free messages run out: in the group, she alone is told');
  group.says(carol, 'And a forEach?', second);
  await group.hears(/free messages for today are used/);
  return { ann, chat };
}
