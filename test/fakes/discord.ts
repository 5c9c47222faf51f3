/**
 * Discord for tests: people, servers and channels on one side, its REST API v10 and its gateway on
 * the other. The real discord.js connects with nothing but `rest.api` changed:
 *
 *     const discord = await startFakeDiscord();
 *     const ann = discord.addUser({ name: 'ann' });
 *     const guild = discord.addGuild({ name: 'Garden', members: [ann] });
 *     const channel = discord.addChannel(guild, { name: 'general' });
 *     const client = new Client({ intents, rest: { api: discord.apiRoot } });
 *     await client.login(discord.token);
 *
 *     ann.says(channel, `${discord.botMention} hello`);          // MESSAGE_CREATE
 *     const asked = ann.slash('ask', { prompt: 'why?' }, channel); // INTERACTION_CREATE
 *     await asked.acknowledged();                                // { kind: 'defer', afterMs: 12 }
 *     const answer = await asked.answered();                     // what the person reads
 *     ann.presses(answer, 'Stop');                               // by label or custom_id
 *     ann.submits(asked, { key: '…' });                          // the modal that it opened
 *
 * It refuses what Discord refuses, with Discord's codes: late or second acknowledgements, tokens
 * after 15 minutes, contents too long, rights that are missing, bodies of a wrong shape, rates.
 * `advance(ms)` moves its clock, `fail(rule)` and `gateway` make things go wrong, `calls` has every
 * request. Registration comes first: `slash` and `messageCommand` need the command to be there
 * (`waitFor(() => discord.commands.length > 0)`).
 */

import { MessageType } from 'discord-api-types/v10';
import { Faults } from './discord/faults.ts';
import { Gateway } from './discord/gateway.ts';
import { startRestServer } from './discord/http.ts';
import { person } from './discord/people.ts';
import { places } from './discord/places.ts';
import { DISCORDS_RATES, RateLimits } from './discord/rates.ts';
import { applicationRoutes } from './discord/routes-applications.ts';
import { channelRoutes } from './discord/routes-channels.ts';
import { downloadRoutes } from './discord/routes-downloads.ts';
import { interactionRoutes } from './discord/routes-interactions.ts';
import { messageRoutes } from './discord/routes-messages.ts';
import { Router } from './discord/routing.ts';
import { seenInteraction, seenMessage } from './discord/seen.ts';
import type { FakeDiscord, FakeDiscordOptions, RecordedCall } from './discord/types.ts';
import { World } from './discord/world.ts';
import { Waiting } from './telegram/wait.ts';

export { usualBotPermissions } from './discord/permission-sets.ts';
export type * from './discord/types.ts';
export type * from './discord/types-gateway.ts';
export type * from './discord/types-seen.ts';

export async function startFakeDiscord(options: FakeDiscordOptions = {}): Promise<FakeDiscord> {
  const { messageContent = false, guildMembers = false, presence = false } = options;
  const { botName = 'latchkey', heartbeatMs = 41_250, rates = {} } = options;
  const { shards = 1, maxConcurrency } = options;
  const world = new World(botName, { messageContent, guildMembers, presence });
  const now = () => world.clock.now();
  const waiting = new Waiting();
  const gateway = new Gateway(world, waiting, { heartbeatMs, shards, maxConcurrency });
  const faults = new Faults();
  const calls: RecordedCall[] = [];
  const rest = await startRestServer({
    world,
    calls,
    faults,
    rates: rates === false ? undefined : new RateLimits({ ...DISCORDS_RATES, ...rates }, now),
    onCall: () => waiting.notify(),
    downloads: new Router(downloadRoutes(world)),
    router: new Router({
      ...applicationRoutes(world, {
        url: () => gateway.url,
        shards: () => gateway.advised,
        maxConcurrency: maxConcurrency ?? 16,
      }),
      ...channelRoutes(world),
      ...messageRoutes(world),
      ...interactionRoutes(world),
    }),
  });
  world.origin = rest.origin;
  gateway.attach(rest.server);

  return {
    apiRoot: `${rest.origin}/api`,
    cdnRoot: rest.origin,
    token: world.token,
    applicationId: world.applicationId,
    botId: world.bot.id,
    botMention: `<@${world.bot.id}>`,

    addUser: (user) => person(world, waiting, world.addUser(user)),
    ...places(world),
    setMessageContent: (enabled) => {
      world.portal.messageContent = enabled;
    },

    messages: (channel, { as } = {}) =>
      world
        .channel(channel.id)
        .log.filter(
          ({ deleted, onlyFor, type }) =>
            !deleted &&
            type !== MessageType.ThreadStarterMessage &&
            (onlyFor === undefined || onlyFor === as?.id),
        )
        .map((message) => seenMessage(world, message)),
    message: (id) => {
      const message = world.messages.get(id);
      return message === undefined || message.deleted ? undefined : seenMessage(world, message);
    },
    isTyping: ({ id }) => world.channel(id).typingUntil > now(),
    file: (attachmentId) => world.files.get(attachmentId)?.bytes,
    get commands() {
      return world.commands;
    },
    get interactions() {
      return world.interactions.map((record) => seenInteraction(world, waiting, record));
    },

    calls,
    callsOf: (route) => calls.filter((call) => call.route === route),
    gateway,

    now,
    advance: (ms) => {
      world.clock.advance(ms);
      waiting.notify();
    },
    waitFor: (predicate, waitOptions) => waiting.for(predicate, waitOptions),

    fail: (rule) => faults.add(rule),
    clearFaults: () => faults.clear(),
    close: async () => {
      gateway.close();
      await rest.close();
    },
  };
}
