/** People and channels on the simulated Discord, shown as they see them. */

import { renderMarkdown } from '../src/platforms/terminal/markdown.ts';
import type {
  FakeChannel,
  FakeDiscord,
  FakeUser,
  SayExtra,
  SeenInteraction,
  SeenMessage,
} from '../test/fakes/discord.ts';
import { ChatView, type Shown, withoutKeys } from './chat-view.ts';
import type { Screen } from './screen.ts';

export interface OnDiscord extends Shown {
  readonly message: SeenMessage;
}

export class DiscordChat extends ChatView<OnDiscord> {
  readonly #discord: FakeDiscord;
  readonly #channel: FakeChannel;
  readonly #people: readonly FakeUser[];

  constructor(
    discord: FakeDiscord,
    channel: FakeChannel,
    people: readonly FakeUser[],
    where: { readonly screen: Screen; readonly title: string },
  ) {
    super({
      ...where,
      waitFor: discord.waitFor,
      read: () => readAll(discord, channel, people),
    });
    this.#discord = discord;
    this.#channel = channel;
    this.#people = people;
  }

  /** @param text `@Latchkey` mentions the bot */
  says(who: FakeUser, text: string, extra: SayExtra = {}): OnDiscord {
    const sent = text.replaceAll('@Latchkey', this.#discord.botMention);
    const said = who.says(this.#channel, sent, extra);
    this.update();
    return shown(said, this.#discord, this.#people, undefined);
  }

  /** A slash command. */
  runs(who: FakeUser, name: string, options: Readonly<Record<string, string>> = {}) {
    const typed = Object.entries(options).map(([option, value]) => ` ${option}: ${value}`);
    this.does(`${who.name} runs /${name}${typed.join('')}`);
    return who.slash(name, options, this.#channel);
  }

  /** A command of the menu of a message. */
  choosesOn(who: FakeUser, { message, author }: OnDiscord, label: string): SeenInteraction {
    this.does(`${who.name} opens the menu of ${author}’s message: Apps › ${label}`);
    return who.messageCommand(label, message);
  }

  presses(who: FakeUser, { message }: OnDiscord, label: string): SeenInteraction {
    this.does(`${who.name} presses [${label}]`);
    return who.presses(message, label);
  }

  /** Fills in the form that an interaction opened: one field. */
  async fillsIn(who: FakeUser, opener: SeenInteraction, field: string, value: string) {
    const { title } = await opener.opened();
    this.does(`${who.name} fills in the form “${title}”: ${withoutKeys(value)}`);
    return who.submits(opener, { [field]: value });
  }
}

function readAll(
  discord: FakeDiscord,
  channel: FakeChannel,
  people: readonly FakeUser[],
): OnDiscord[] {
  const all = discord
    .messages(channel)
    .map((message) => shown(message, discord, people, undefined));
  const forOne = people.flatMap((person) =>
    discord
      .messages(channel, { as: person })
      .filter(({ ephemeral }) => ephemeral)
      .map((message) => shown(message, discord, people, person)),
  );
  return [...all, ...forOne].filter(({ message }) => !message.thinking);
}

function shown(
  message: SeenMessage,
  discord: FakeDiscord,
  people: readonly FakeUser[],
  onlyFor: FakeUser | undefined,
): OnDiscord {
  const author = people.find(({ id }) => id === message.authorId)?.name ?? 'Latchkey';
  const text = readable(message.content, discord, people);
  const replied = message.replyTo === undefined ? undefined : discord.message(message.replyTo);
  const buttons = message.buttons.map(({ label }) => label);
  return {
    message,
    id: message.id,
    author,
    fromBot: message.fromBot,
    text,
    // Painted or not, marks of formatting are not what people see.
    lines: renderMarkdown(withoutKeys(text), { color: true, timeZone: 'UTC' }),
    buttons,
    files: message.files.map(({ name }) => name),
    onlyFor: onlyFor?.name,
    replyTo:
      replied === undefined
        ? undefined
        : { id: replied.id, text: readable(replied.content, discord, people) },
    growing: buttons.includes('Stop'),
  };
}

/** Names instead of ids, dates instead of timestamps, as Discord's apps show them. */
function readable(content: string, discord: FakeDiscord, people: readonly FakeUser[]): string {
  return content
    .replace(/<@!?(\d+)>/g, (mention, id: string) =>
      id === discord.botId
        ? '@Latchkey'
        : `@${people.find((person) => person.id === id)?.name ?? mention}`,
    )
    .replace(/<t:(\d+)(?::\w)?>/g, (_, seconds: string) =>
      new Date(Number(seconds) * 1000).toISOString().replace(/T(\d\d:\d\d).*/, ' $1 UTC'),
    )
    .replace(/^-# /gm, '');
}
