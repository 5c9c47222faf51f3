/** Short words for journeys with pools: owners, members, and how those join. */

import type { Chat, Message } from 'grammy/types';
import type { World } from './latchkey.ts';
import { asked, botMessages, botSays, madeKey, textOf } from './people.ts';

/** A hundred who ask at once take a while on a machine that does other things too. */
const PATIENCE_MS = 50_000;

export function poolPeople(world: World) {
  let made = 0;

  function person(first_name = 'Ann') {
    const user = world.telegram.addUser({ first_name });
    const own = world.telegram.privateChat(user);
    return {
      user,
      own,
      say: (text: string, chat: Chat = own) => world.telegram.say(chat, user, text),
      sees: (what: RegExp, chat: Chat = own) =>
        botSays(world, chat, what, { timeoutMs: PATIENCE_MS }),
      press: (message: Message, label: string) => world.telegram.press(message, label, user),
      said: (chat: Chat = own) => botMessages(world, chat).map(textOf),
      /** Says it, and waits for a message of the bot after that. */
      async asks(text: string, what: RegExp) {
        const { message_id } = world.telegram.say(own, user, text);
        const found = await world.telegram
          .waitFor(
            () =>
              botMessages(world, own).find(
                (m) => m.message_id > message_id && what.test(textOf(m)),
              ),
            { timeoutMs: PATIENCE_MS },
          )
          .catch((error: unknown) => {
            const all = JSON.stringify(botMessages(world, own).map(textOf));
            throw new Error(`To ${text} the bot did not say ${what}, but ${all}`, { cause: error });
          });
        return found;
      },
      files: () =>
        botMessages(world, own).flatMap(({ document }) =>
          document === undefined
            ? []
            : [new TextDecoder().decode(world.telegram.file(document.file_id))],
        ),
    };
  }
  type Person = ReturnType<typeof person>;

  /** Somebody with a key and an open pool. @param words settings, as /pool new takes them */
  async function owner(words = 'month=0.20 total=20') {
    made += 1;
    const name = `class-${made}`;
    const ann = person('Olga');
    const key = world.openai.keys.add('valid', madeKey());
    await ann.asks(`/setkey ${key}`, /Saved/);
    await ann.asks(`/pool new ${name} ${words}`, /Made\. Invite people/);
    return {
      ...ann,
      name,
      key,
      async link() {
        const message = await ann.asks(`/pool invite ${name}`, /Whoever opens this/);
        return tokenOf(textOf(message));
      },
    };
  }
  type Owner = Awaited<ReturnType<typeof owner>>;

  async function joins(who: Person, token: string, label = 'Join') {
    const page = await who.asks(`/start pool-${token}`, /Join pool/);
    who.press(page, label);
    await who.sees(/You are in pool/);
    return textOf(page);
  }

  return {
    person,
    owner,
    joins,
    /** Several who are in it, one after another. */
    async membersOf(boss: Owner, ...names: string[]) {
      const token = await boss.link();
      const all: Person[] = [];
      for (const name of names) {
        const one = person(name);
        await joins(one, token);
        all.push(one);
      }
      return all;
    },
    /** The key with which a question was asked; undefined: it was not. */
    keyFor(question: string): string | undefined {
      const [request] = asked(world, question);
      return request?.headers.authorization?.replace('Bearer ', '');
    },
  };
}

export function tokenOf(text: string): string {
  return /pool[- ](?:join )?([\da-f-]{36})/.exec(text)?.[1] ?? '';
}
