/** What the simulator's own tests share: a server, two people, and the bot's side by discord.js. */

import { DiscordAPIError, REST } from '@discordjs/rest';
import { Client, GatewayIntentBits, Partials } from 'discord.js';
import type { RESTPutAPIApplicationCommandsJSONBody } from 'discord-api-types/v10';
import { afterEach } from 'vitest';
import {
  type FakeChannel,
  type FakeDiscord,
  type FakeDiscordOptions,
  type FakeGuild,
  type FakeUser,
  startFakeDiscord,
} from '../discord.ts';

export interface Fixture {
  readonly discord: FakeDiscord;
  readonly rest: REST;
  readonly ann: FakeUser;
  readonly ben: FakeUser;
  readonly guild: FakeGuild;
  readonly channel: FakeChannel;
  /** A client that is ready, and closed after the test. */
  login(intents?: readonly GatewayIntentBits[]): Promise<Client<true>>;
}

const closers: (() => Promise<unknown>)[] = [];

export function closeAfterTest(close: () => Promise<unknown>): void {
  closers.push(close);
}

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

export const USUAL_INTENTS = [
  GatewayIntentBits.Guilds,
  GatewayIntentBits.GuildMessages,
  GatewayIntentBits.DirectMessages,
];

export async function simulate(options: FakeDiscordOptions = {}): Promise<Fixture> {
  const discord = await startFakeDiscord(options);
  closeAfterTest(() => discord.close());
  const ann = discord.addUser({ name: 'ann' });
  const ben = discord.addUser({ name: 'ben' });
  const guild = discord.addGuild({ name: 'Garden', members: [ann, ben] });
  return {
    discord,
    ann,
    ben,
    guild,
    channel: discord.addChannel(guild, { name: 'general' }),
    rest: new REST({ api: discord.apiRoot }).setToken(discord.token),
    async login(intents = USUAL_INTENTS) {
      const client = newClient(discord, intents);
      await client.login(discord.token);
      await discord.waitFor(() => client.isReady());
      if (!client.isReady()) throw new Error('The client is not ready');
      return client;
    },
  };
}

export function newClient(
  discord: FakeDiscord,
  intents: readonly GatewayIntentBits[] = USUAL_INTENTS,
): Client {
  const client = new Client({
    intents: [...intents],
    partials: [Partials.Channel],
    rest: { api: discord.apiRoot },
  });
  closeAfterTest(() => client.destroy());
  return client;
}

/** Commands as a bot of this kind has them, offered everywhere. */
export const COMMANDS: RESTPutAPIApplicationCommandsJSONBody = [
  {
    name: 'ask',
    description: 'Asks the model',
    integration_types: [0, 1],
    contexts: [0, 1, 2],
    options: [
      { type: 3, name: 'prompt', description: 'What to ask', required: true, max_length: 6000 },
      { type: 11, name: 'file', description: 'A text file' },
    ],
  },
  {
    name: 'model',
    description: 'Chooses the model',
    options: [{ type: 3, name: 'name', description: 'Which', autocomplete: true }],
  },
  { name: 'setkey', description: 'Takes a key', contexts: [1], integration_types: [0, 1] },
  { type: 3, name: 'Explain this code' },
];

/** @returns status and code of the refusal, with its words. @throws when there is none */
export async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DiscordAPIError)) throw new Error(`No refusal: ${error}`);
  return `${error.status} ${error.code} ${error.message}`;
}
