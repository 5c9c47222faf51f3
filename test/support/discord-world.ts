/** The whole of Latchkey on Discord, and short words for what its journeys do again and again. */

import type {
  FakeChannel,
  FakeDiscord,
  FakeDiscordOptions,
  FakeUser,
  NewGuild,
  SeenMessage,
} from '../fakes/discord.ts';
import { createWorld, type World } from './latchkey.ts';
import { madeKey } from './people.ts';

export interface DiscordWorld extends World {
  readonly discord: FakeDiscord;
  person(name: string): FakeUser;
  /** A server with one channel, in which the people are. */
  server(people: readonly FakeUser[], rights?: Pick<NewGuild, 'botPermissions'>): FakeChannel;
  /** What the bot said in a channel, in order, as the person sees it. */
  said(channel: FakeChannel, as: FakeUser): readonly SeenMessage[];
  /** Waits for a message of the bot that the person sees. @returns the last that fits */
  sees(who: FakeUser, channel: FakeChannel, what: RegExp): Promise<SeenMessage>;
  /** Brings a key that works, by the form. @returns the key */
  bringsKey(who: FakeUser): Promise<string>;
}

export async function createDiscordWorld({
  env = {},
  retentionEveryMs,
  ...discord
}: FakeDiscordOptions & {
  readonly env?: Readonly<Record<string, string>>;
  readonly retentionEveryMs?: number;
} = {}): Promise<DiscordWorld> {
  const world = await createWorld({
    env,
    ...(retentionEveryMs === undefined ? {} : { retentionEveryMs }),
    discord: { rates: false, ...discord },
  });
  const fake = world.discord;
  if (fake === undefined) throw new Error('no Discord');
  world.openai.script((question) => `Answer to: ${question.replace(/<[^>]*>/g, ' ')}`);
  await world.start();

  const said = (channel: FakeChannel, as: FakeUser) =>
    fake.messages(channel, { as }).filter(({ fromBot, thinking }) => fromBot && !thinking);
  const sees: DiscordWorld['sees'] = (who, channel, what) =>
    fake
      .waitFor(() => said(channel, who).findLast(({ content }) => what.test(content)))
      .catch((error: unknown) => {
        const all = JSON.stringify(said(channel, who).map(({ content }) => content));
        throw new Error(`${who.name} did not see ${what}, but ${all}`, { cause: error });
      });
  let people = 0;
  return {
    ...world,
    discord: fake,
    said,
    sees,
    person(name) {
      people += 1;
      return fake.addUser({ name: `${name}_${people}` });
    },
    server(members, rights = {}) {
      people += 1;
      const guild = fake.addGuild({ name: `Server ${people}`, members: [...members], ...rights });
      return fake.addChannel(guild, { name: 'general' });
    },
    async bringsKey(who) {
      const key = madeKey();
      world.openai.keys.add('valid', key);
      const asked = who.slash('setkey', {}, fake.dm(who));
      await asked.opened();
      const form = who.submits(asked, { key });
      await form.answered(({ content }) => /Saved: your OpenAI key/.test(content));
      return key;
    },
  };
}
